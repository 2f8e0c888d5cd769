import { difference, intersection, isEmpty, union, type PrefixSet } from './prefix-set.ts';

/** Ranges of the larger operand from which on it costs less to look a result up than to compute it. */
const WORTH_REMEMBERING = 48;
/** Beside few ranges a copy is all: a table of weak keys for a result that nobody asks for again would cost more. */
const [FEW, WORTH_BESIDE_FEW] = [8, 4096];

type Operation = (a: PrefixSet, b: PrefixSet) => PrefixSet;

/** Results by both operands. Sets never change, and a result goes with the operands that it belongs to. */
const remembered = (operation: Operation): Operation => {
  const byFirst = new WeakMap<PrefixSet, WeakMap<PrefixSet, PrefixSet>>();
  return (a, b) => {
    const [smaller, larger] = a.size < b.size ? [a.size, b.size] : [b.size, a.size];
    if (larger < (smaller < FEW ? WORTH_BESIDE_FEW : WORTH_REMEMBERING)) return operation(a, b);
    const bySecond = byFirst.get(a) ?? new WeakMap<PrefixSet, PrefixSet>();
    byFirst.set(a, bySecond);
    const result = bySecond.get(b) ?? operation(a, b);
    bySecond.set(b, result);
    return result;
  };
};

/**
 * The operations of prefix-set.ts for evaluators that meet the same few large sets thousands of times: the same two
 * objects give the same object again, at once. An operand that makes no difference is given back as it is.
 */
export const memoUnion: Operation = remembered((a, b) => (isEmpty(a) ? b : isEmpty(b) ? a : union(a, b)));
export const knownIntersection: Operation = remembered(intersection);
export const knownDifference: Operation = remembered(difference);
