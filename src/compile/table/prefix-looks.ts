import { blocksWithin, prefixLengths } from '../../net/blocks.ts';
import { difference, isEmpty, prefixes, type PrefixSet } from '../../net/prefix-set.ts';

/**
 * How a packet's address is looked up in a set of addresses: for each prefix length one hash set, asked with the masked
 * address. A single-field interval set would do it in one look, but every nft on the node fetches all interval sets
 * before it adds an element anywhere (see docs/decisions/0013).
 */
export interface LengthLook {
  readonly length: number;
  /** Whole blocks of that length. */
  readonly blocks: PrefixSet;
}

/** A packet asks one set after the other. */
const MOST_LOOKS = 8;

/** One more look costs a packet as much as so many elements more cost the kernel and whoever lists them. */
const LOOK_COST = 64;

interface Choice {
  readonly cost: number;
  readonly lengths: readonly number[];
}

const choose = (counts: ReadonlyMap<number, number>): Choice => {
  const all = [...counts].sort(([a], [b]) => a - b);
  // best[looks]: the cheapest way for the lengths so far, with that many looks, the last of which is the last length.
  let best: (Choice | null)[] = [{ cost: 0, lengths: [] }];
  const before = [best];
  for (let last = 0; last < all.length; last++) {
    const length = all[last]?.[0] ?? 0;
    const next: (Choice | null)[] = Array.from({ length: MOST_LOOKS + 1 }, () => null);
    let elements = 0;
    for (let first = last; first >= 0; first--) {
      const [own, count] = all[first] ?? [0, 0];
      elements += count * 2 ** (length - own);
      for (let looks = 0; looks < MOST_LOOKS; looks++) {
        const choice = before[first]?.[looks];
        if (choice == null) continue;
        const cost = choice.cost + elements + LOOK_COST;
        const known = next[looks + 1];
        if (known == null || cost < known.cost) next[looks + 1] = { cost, lengths: [...choice.lengths, length] };
      }
    }
    best = next;
    before.push(best);
  }
  return best.flatMap((choice) => choice ?? []).reduce((least, one) => (one.cost < least.cost ? one : least));
};

/**
 * The lengths, upwards, of which a set is best made: a prefix becomes prefixes of the next length that is chosen.
 * `counts`: prefixes by length.
 */
export const chooseLengths = (counts: ReadonlyMap<number, number>): readonly number[] => choose(counts).lengths;

/** The looks that find exactly the addresses of a set, those of few bits first. */
export const looksFor = (set: PrefixSet): readonly LengthLook[] => {
  let rest = set;
  return chooseLengths(prefixLengths(set)).flatMap((length) => {
    const blocks = blocksWithin(rest, length);
    if (isEmpty(blocks)) return [];
    rest = difference(rest, blocks);
    return [{ length, blocks }];
  });
};

/** What a set costs in elements and looks, as a number of elements. */
export const lookCost = (set: PrefixSet): number => choose(prefixLengths(set)).cost;

/** Whether a set has at most so many prefixes. */
export const hasAtMost = (set: PrefixSet, most: number): boolean => {
  let count = 0;
  for (const _ of prefixes(set)) if (++count > most) return false;
  return true;
};
