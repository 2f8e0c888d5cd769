import { ranges, type PrefixSet } from './prefix-set.ts';

const bits32 = (value: number): number => {
  let rest = value - ((value >>> 1) & 0x5555_5555);
  rest = (rest & 0x3333_3333) + ((rest >>> 2) & 0x3333_3333);
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
};

/** How many bits of a number up to 2^32 are set. */
const bitsOf = (value: number): number => (value === 2 ** 32 ? 1 : bits32(value >>> 0));

const bitsOfBig = (value: bigint): number => {
  let count = 0;
  for (let rest = value; rest > 0n; rest >>= 32n) count += bits32(Number(rest & 0xffff_ffffn) >>> 0);
  return count;
};

/**
 * The prefixes that make up the range from `start` to before `end`: the block boundary between the two splits it, and
 * on either side there is one for each bit of its length.
 */
const inRange = (start: number, end: number): number => {
  if (start === 0 && end === 2 ** 32) return 1;
  const differing = end === 2 ** 32 ? 32 : 31 - Math.clz32(start ^ end);
  const split = Math.floor(end / 2 ** differing) * 2 ** differing;
  return bitsOf(split - start) + bitsOf(end - split);
};

const inBigRange = (start: bigint, end: bigint): number => {
  const differing = BigInt((start ^ end).toString(2).length - 1);
  const split = (end >> differing) << differing;
  return bitsOfBig(split - start) + bitsOfBig(end - split);
};

/** How many prefixes make up a set, the fewest that do, without making them: as many steps as it has ranges. */
export const countPrefixes = (set: PrefixSet): number => {
  let count = 0;
  if (set.family === 4) {
    for (let index = 0; index < set.size; index += 1)
      count += inRange(set.changes[2 * index] ?? 0, set.changes[2 * index + 1] ?? 2 ** 32);
    return count;
  }
  for (const { first, last } of ranges(set)) count += inBigRange(first, last + 1n);
  return count;
};
