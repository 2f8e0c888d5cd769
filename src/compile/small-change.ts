import type { Change, Transaction } from './transaction.ts';

/** Intervals and keys up to which new sets come in the transaction that switches to them. */
const FEW_ELEMENTS = 1024;

/**
 * A few new sets come together with the rules that look into them, so that a small change is one transaction. A packet takes all chains of a
 * hook from one generation of the ruleset (net/netfilter/nf_tables_core.c, nft_do_chain), and what is new is active in the new one from
 * the beginning. Not where keys are added in the same transaction: a look-up in a map sees them at once, and a packet of the generation
 * before would come to a chain that is empty for it.
 */
export const inOneWhereSmall = ({ stage, switch: [first, ...others], sweep }: Change): Change => {
  const [staged, ...more] = stage;
  const isOne =
    staged !== undefined &&
    more.length === 0 &&
    first !== undefined &&
    first.operations.every(({ kind }) => kind === 'replace-rules') &&
    elementsOf(staged) <= FEW_ELEMENTS;
  return isOne
    ? { stage: [], switch: [{ operations: [...staged.operations, ...first.operations] }, ...others], sweep }
    : { stage, switch: first === undefined ? [] : [first, ...others], sweep };
};

const elementsOf = ({ operations }: Transaction): number =>
  operations.reduce(
    (sum, operation) =>
      operation.kind === 'add-intervals'
        ? sum + operation.intervals.length
        : operation.kind === 'add-keys'
          ? sum + operation.elements.length
          : sum,
    0,
  );
