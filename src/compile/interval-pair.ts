import { LAST, type Family } from '../net/family.ts';
import { difference, intersection, isEmpty, ranges, setOfRanges, union, type PrefixSet } from '../net/prefix-set.ts';
import type { Interval } from '../ruleset/table.ts';

/**
 * One set of addresses, held in the kernel as two sets that are looked up one after the other. The kernel deletes only whole
 * stored intervals, and an interval replaced in place refuses permitted clients for a moment (seen on 6.1, /24 → /25). So what
 * remains of a stored interval is first added to the *other* set of the pair, and only then is the interval deleted.
 */
export interface IntervalPair {
  readonly a: readonly Interval[];
  readonly b: readonly Interval[];
}

/** What has to be added first and removed afterwards; `after` is what the pair holds then. */
export interface PairChange {
  readonly add: IntervalPair;
  readonly remove: IntervalPair;
  readonly after: IntervalPair;
}

/** The addresses that a pair stands for. */
export const addressesOfPair = (family: Family, pair: IntervalPair): PrefixSet =>
  union(asSet(family, pair.a), asSet(family, pair.b));

/** Lists of intervals never change, so their content is computed once. */
const contents = new WeakMap<readonly Interval[], PrefixSet>();

const asSet = (family: Family, intervals: readonly Interval[]): PrefixSet => {
  const known = contents.get(intervals) ?? setOfRanges(family, intervals);
  contents.set(intervals, known);
  return known;
};

/** The intervals in which a set is stored from scratch; the whole space in two halves, so that no interval has an open end. */
export const intervalsOf = (set: PrefixSet): readonly Interval[] => {
  const half = LAST[set.family] >> 1n;
  return [...ranges(set)].flatMap(({ first, last }) =>
    first === 0n && last === LAST[set.family]
      ? [
          { first, last: half },
          { first: half + 1n, last },
        ]
      : [{ first, last }],
  );
};

/** A pair that holds `set` and was not in the kernel before. */
export const freshPair = (set: PrefixSet): IntervalPair => ({ a: intervalsOf(set), b: [] });

/** From this size on a set is seldom written: what is new goes to the other one, which is listed sooner for the proof. */
const LARGE = 256;

const sorted = (intervals: readonly Interval[]): readonly Interval[] =>
  [...intervals].sort((x, y) => (x.first < y.first ? -1 : x.first > y.first ? 1 : 0));

/**
 * How a stored pair comes to hold `wanted`. The size of the change depends on the intervals that change and not on the others.
 * Every mixture of the steps (nothing, some added, all added, some removed) holds what both states hold and nothing that neither holds.
 */
export const changePair = (stored: IntervalPair, wanted: PrefixSet): PairChange => {
  const { family } = wanted;
  const split = (intervals: readonly Interval[]) => {
    const unwanted = [...ranges(difference(asSet(family, intervals), wanted))];
    const [gone, kept] = partition(intervals, unwanted);
    return { gone, kept, rest: intervalsOf(intersection(asSet(family, gone), wanted)) };
  };
  const a = split(stored.a);
  const b = split(stored.b);
  const after = (before: readonly Interval[], { gone, kept }: typeof a, added: readonly Interval[]) =>
    gone.length === 0 && added.length === 0 ? before : sorted([...kept, ...added]);
  const missing = intervalsOf(difference(wanted, addressesOfPair(family, stored)));
  const toB = stored.a.length > LARGE && stored.b.length < stored.a.length;
  const add = {
    a: toB ? b.rest : sorted([...b.rest, ...missing]),
    b: toB ? sorted([...a.rest, ...missing]) : a.rest,
  };
  return {
    add,
    remove: { a: a.gone, b: b.gone },
    after: { a: after(stored.a, a, add.a), b: after(stored.b, b, add.b) },
  };
};

/** Whether the two sets of a pair share an address, as an interrupted change can leave them. Such a pair is staged anew. */
export const overlaps = (family: Family, pair: IntervalPair): boolean =>
  !isEmpty(intersection(asSet(family, pair.a), asSet(family, pair.b)));

/** The ascending intervals that share an address with one of the ascending ranges, and the others. */
const partition = (
  intervals: readonly Interval[],
  touching: readonly Interval[],
): readonly [Interval[], Interval[]] => {
  const yes: Interval[] = [];
  const no: Interval[] = [];
  let next = 0;
  for (const interval of intervals) {
    while ((touching[next]?.last ?? interval.first) < interval.first) next++;
    const range = touching[next];
    (range !== undefined && range.first <= interval.last ? yes : no).push(interval);
  }
  return [yes, no];
};
