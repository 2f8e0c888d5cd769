import { blockAddresses } from '../../net/blocks.ts';
import { WIDTH, type Family } from '../../net/family.ts';
import { setOfPrefixes, type PrefixSet } from '../../net/prefix-set.ts';
import type { AddressSetObject, Interval } from '../../ruleset/table.ts';

/** To list a hash set takes the kernel time that grows with its square: each message walks it from its start. */
const MOST_ELEMENTS = 32_768;

/**
 * A declared size makes the kernel take a table of fixed length, which is looked up faster than one that grows
 * (net/netfilter/nft_set_hash.c, nft_hash_estimate). Twice the need keeps its chains short, and leaves room.
 */
const LEAST_SIZE = 16;

/** Sets of the kernel that hold blocks of one length, each by its first address. */
export const setsOfBlocks = (blocks: PrefixSet, length: number, name: () => string): readonly AddressSetObject[] => {
  const { family } = blocks;
  const sets: AddressSetObject[] = [];
  let intervals: Interval[] = [];
  const end = (): void => {
    if (intervals.length === 0) return;
    sets.push({
      kind: 'addresses',
      name: name(),
      type: `ipv${family}_addr`,
      interval: false,
      size: Math.max(LEAST_SIZE, 2 * intervals.length),
      intervals,
    });
    intervals = [];
  };
  for (const first of blockAddresses(blocks, length)) {
    intervals.push({ first, last: first });
    if (intervals.length === MOST_ELEMENTS) end();
  }
  end();
  return sets;
};

/** Lists of elements never change, so that what they stand for is worked out once. */
const known = new WeakMap<readonly Interval[], PrefixSet>();

/** The addresses of the blocks of a length whose first addresses a set holds. */
export const blocksOfBases = ({ intervals }: AddressSetObject, family: Family, length: number): PrefixSet => {
  const before = known.get(intervals);
  if (before !== undefined) return before;
  const size = 1n << BigInt(WIDTH[family] - length);
  const made = setOfPrefixes(
    family,
    intervals
      .filter(({ first }) => (first & (size - 1n)) === 0n)
      .map(({ first }) => ({ family, address: first, length })),
  );
  known.set(intervals, made);
  return made;
};
