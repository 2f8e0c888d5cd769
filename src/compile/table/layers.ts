import { LAST, type Family } from '../../net/family.ts';
import { difference, emptySet, equals, ranges, setOfRanges, type PrefixSet } from '../../net/prefix-set.ts';
import { knownDifference, memoUnion } from '../../net/remembered.ts';
import type { Interval } from '../../ruleset/table.ts';

/**
 * A set of addresses is kept as layers that are asked one after the other: the first that holds an address decides
 * whether it belongs to the set. A layer in use never changes, because a kernel's look-up that meets a change of an
 * interval set can be wrong (see docs/decisions/0003). A change puts small layers in front of a large one, so that its
 * size does not depend on the rest.
 */
export interface Layer {
  /** Whether what it holds belongs to the set. */
  readonly admits: boolean;
  readonly intervals: readonly Interval[];
}

/** Up to this many intervals a layer is written again rather than given one more in front of it. */
const SMALL = 256;
/** A layer stands in front of one that is at least so many times as large, so that look-ups stay few. */
const GROWTH = 16;

/** Lists of intervals never change, so their content is computed once. */
const contents = new WeakMap<readonly Interval[], PrefixSet>();

const contentOf = (family: Family, { intervals }: Layer): PrefixSet => {
  const known = contents.get(intervals) ?? setOfRanges(family, intervals);
  contents.set(intervals, known);
  return known;
};

/** The addresses that some layers stand for. */
export const addressesOfLayers = (family: Family, layers: readonly Layer[]): PrefixSet =>
  layers.reduceRight(
    (below, layer) => (layer.admits ? memoUnion : knownDifference)(below, contentOf(family, layer)),
    emptySet(family),
  );

/** The intervals in which a set is stored; the whole space in two halves, so that no interval has an open end. */
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

/**
 * Layers that stand for `wanted`: as many of the stored ones, from the last on, as are worth keeping, and at most two
 * new ones in front of them. The stored layers themselves where they stand for it already.
 */
export const changeLayers = <L extends Layer>(stored: readonly L[], wanted: PrefixSet): readonly (L | Layer)[] => {
  const { family } = wanted;
  if (equals(addressesOfLayers(family, stored), wanted)) return stored;
  for (let kept = 0; ; kept++) {
    const rest = stored.slice(kept);
    const below = addressesOfLayers(family, rest);
    const [more, less] = [difference(wanted, below), difference(below, wanted)];
    const top = rest[0]?.intervals.length ?? 0;
    if (rest.length > 0 && (top <= SMALL || (more.size + less.size) * GROWTH > top)) continue;
    const fresh = [
      { admits: true, intervals: intervalsOf(more) },
      { admits: false, intervals: intervalsOf(less) },
    ];
    return [...fresh.filter(({ intervals }) => intervals.length > 0), ...rest];
  }
};
