import { LAST, WIDTH, type Family } from './family.ts';
import { ranges, setOfRanges, type PrefixSet } from './prefix-set.ts';
import { readWords, WORDS } from './words.ts';

/**
 * Blocks: all addresses that share their first `length` bits, as a prefix of that length names them. Sets of blocks are
 * how a kernel's hash sets hold prefixes: one set for each length, the masked address as the element.
 */

/** Addresses of a block. */
const blockSize = (family: Family, length: number): bigint => 1n << BigInt(WIDTH[family] - length);

const reshaped = (set: PrefixSet, reshape: (first: bigint, last: bigint) => readonly [bigint, bigint]): PrefixSet => {
  const list: { readonly first: bigint; readonly last: bigint }[] = [];
  for (const { first, last } of ranges(set)) {
    const [low, high] = reshape(first, last);
    if (low <= high) list.push({ first: low, last: high });
  }
  return setOfRanges(set.family, list);
};

/** The whole blocks that a set touches. */
export const blocksAround = (set: PrefixSet, length: number): PrefixSet => {
  if (length === WIDTH[set.family]) return set;
  const mask = blockSize(set.family, length) - 1n;
  return reshaped(set, (first, last) => [first & ~mask, last | mask]);
};

/** The blocks that lie in a set as a whole. */
export const blocksWithin = (set: PrefixSet, length: number): PrefixSet => {
  if (length === WIDTH[set.family]) return set;
  const mask = blockSize(set.family, length) - 1n;
  return reshaped(set, (first, last) => [
    (first + mask) & ~mask,
    last === LAST[set.family] ? last : ((last + 1n) & ~mask) - 1n,
  ]);
};

/** How many blocks a set is made of: one that {@link blocksWithin} gives. */
export const countBlocks = ({ family, size, changes }: PrefixSet, length: number): number => {
  const shift = BigInt(WIDTH[family] - length);
  const words = WORDS[family];
  let sum = 0n;
  for (let index = 0; index < size; index += 1) {
    const end = (2 * index + 1) * words;
    const last = end < changes.length ? readWords(changes, words, 2 * index + 1) : LAST[family] + 1n;
    sum += (last - readWords(changes, words, 2 * index)) >> shift;
  }
  return Number(sum);
};

/** The first address of each block of a set that is made of them, upwards. */
export function* blockAddresses(set: PrefixSet, length: number): Generator<bigint, void, undefined> {
  const step = blockSize(set.family, length);
  for (const { first, last } of ranges(set)) for (let at = first; at <= last; at += step) yield at;
}

/** How many prefixes of each length make up a set, the fewest that do: length → number. */
export const prefixLengths = (set: PrefixSet): ReadonlyMap<number, number> => {
  const counts = new Map<number, number>();
  const note = (length: number): void => void counts.set(length, (counts.get(length) ?? 0) + 1);
  if (set.family === 4) {
    // Numbers of 32 bits: a million prefixes would leave millions of big numbers behind.
    for (let index = 0; index < set.size; index += 1) {
      let at = set.changes[2 * index] ?? 0;
      const end = set.changes[2 * index + 1] ?? 2 ** 32;
      while (at < end) {
        const aligned = at === 0 ? 32 : 31 - Math.clz32(at & -at);
        const bits = Math.min(aligned, Math.floor(Math.log2(end - at)));
        note(32 - bits);
        at += 2 ** bits;
      }
    }
    return counts;
  }
  for (const { first, last } of ranges(set)) {
    let at = first;
    while (at <= last) {
      let bits = 0;
      while (bits < 128 && (at & (1n << BigInt(bits))) === 0n && at + (2n << BigInt(bits)) - 1n <= last) bits += 1;
      note(128 - bits);
      at += 1n << BigInt(bits);
    }
  }
  return counts;
};
