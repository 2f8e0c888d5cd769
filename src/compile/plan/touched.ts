import type { Table } from '../../ruleset/table.ts';
import type { Transaction } from './transaction.ts';

/** The objects of a table that transactions write, by name. */
export interface Touched {
  readonly chains: ReadonlySet<string>;
  readonly sets: ReadonlySet<string>;
  /** Verdict maps. */
  readonly maps: ReadonlySet<string>;
}

/**
 * What some transactions write into `current`. null where only the whole table can tell what is there afterwards: it
 * is new, or a chain that counts is written (its packets so far go on in the new rules, see plan-change.ts).
 */
export const touchedBy = (transactions: readonly Transaction[], current: Table): Touched | null => {
  const chains = new Set<string>();
  const sets = new Set<string>();
  const maps = new Set<string>();
  for (const operation of transactions.flatMap(({ operations }) => operations))
    switch (operation.kind) {
      case 'add-table':
      case 'delete-table':
      case 'add-counter':
      case 'delete-counter':
        return null;
      case 'add-chain':
      case 'delete-chain':
        chains.add(operation.name);
        break;
      case 'replace-rules':
        if (counts(current, operation.chain)) return null;
        chains.add(operation.chain);
        break;
      case 'add-set':
        (operation.set.kind === 'verdict-map' ? maps : sets).add(operation.set.name);
        break;
      case 'delete-set':
        (current.sets.get(operation.name)?.kind === 'verdict-map' ? maps : sets).add(operation.name);
        break;
      case 'add-keys':
      case 'delete-keys':
        maps.add(operation.map);
        break;
    }
  return { chains, sets, maps };
};

const counts = (table: Table, chain: string): boolean =>
  (table.chains.get(chain)?.rules ?? []).some(({ statements }) => statements.some(({ kind }) => kind === 'counter'));

/** What is in the one and not in the other. */
export const touchedOnly = (all: Touched, others: Touched): Touched => ({
  chains: all.chains.difference(others.chains),
  sets: all.sets.difference(others.sets),
  maps: all.maps.difference(others.maps),
});

/** How many objects that are. */
export const countTouched = ({ chains, sets, maps }: Touched): number => chains.size + sets.size + maps.size;
