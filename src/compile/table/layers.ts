import { LAST, type Family } from '../../net/family.ts';
import {
  complement,
  count,
  difference,
  emptySet,
  equals,
  EVERY_ADDRESS,
  isEmpty,
  type PrefixSet,
} from '../../net/prefix-set.ts';
import { knownDifference, memoUnion } from '../../net/remembered.ts';
import { lookCost } from './prefix-looks.ts';

/**
 * A set of addresses is kept as layers that are asked one after the other: the first that holds an address decides
 * whether it belongs to the set. A layer in use never changes, so that a packet meets a layer as it was or the next
 * one, never a mixture. A change puts small layers in front of a large one, so that its size does not depend on the
 * rest.
 */
export interface Layer {
  /** Whether what it holds belongs to the set. */
  readonly admits: boolean;
  readonly holds: PrefixSet;
}

/** A layer that stands in the kernel. */
export interface WeighedLayer extends Layer {
  /** Elements of its sets, and rules. */
  readonly weight: number;
}

/** Up to this weight a layer is written again rather than given one more in front of it. */
const SMALL = 256;
/** A layer stands in front of one that is at least so many times as heavy, so that look-ups stay few. */
const GROWTH = 16;

/** The addresses that some layers stand for. */
export const addressesOfLayers = (family: Family, layers: readonly Layer[]): PrefixSet =>
  layers.reduceRight(
    (below, { admits, holds }) => (admits ? memoUnion : knownDifference)(below, holds),
    emptySet(family),
  );

/** Most of the addresses: only then what is left over can be less to look up. */
const isMost = (set: PrefixSet): boolean => count(set) * 2n > LAST[set.family];

/**
 * A set in layers of its own: what it holds, or everybody but those that it does not hold, where that is less to look
 * up.
 */
const layersOf = (wanted: PrefixSet): readonly Layer[] => {
  if (isEmpty(wanted)) return [];
  const itself = { admits: true, holds: wanted };
  if (!isMost(wanted)) return [itself];
  const everybody = { admits: true, holds: EVERY_ADDRESS[wanted.family] };
  const others = complement(wanted);
  if (isEmpty(others)) return [everybody];
  return lookCost(wanted) <= lookCost(others) ? [itself] : [{ admits: false, holds: others }, everybody];
};

/**
 * Layers that stand for `wanted`: as many of the stored ones, from the last on, as are worth keeping, and at most two
 * new ones in front of them. The stored layers themselves where they stand for it already.
 */
export const changeLayers = <L extends WeighedLayer>(
  stored: readonly L[],
  wanted: PrefixSet,
): readonly (L | Layer)[] => {
  const { family } = wanted;
  if (equals(addressesOfLayers(family, stored), wanted)) return stored;
  for (let kept = 0; kept < stored.length; kept++) {
    const rest = stored.slice(kept);
    const below = addressesOfLayers(family, rest);
    const [more, less] = [difference(wanted, below), difference(below, wanted)];
    const top = rest[0]?.weight ?? 0;
    if (top <= SMALL || (more.size + less.size) * GROWTH > top) continue;
    const fresh = [
      { admits: true, holds: more },
      { admits: false, holds: less },
    ];
    return [...fresh.filter(({ holds }) => !isEmpty(holds)), ...rest];
  }
  return layersOf(wanted);
};
