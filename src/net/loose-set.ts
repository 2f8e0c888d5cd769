import { meets, prefixes, setOfRanges, union, type PrefixSet } from './prefix-set.ts';
import { rangeOf } from './prefix.ts';

/**
 * A set with as many addresses of `free` added as make it simpler to say: `all IPv4` instead of the 130 prefixes
 * between the ranges that routing refuses anyway. Every address of the set stays in it, and nothing outside of both
 * comes in.
 */
export const looseSet = (set: PrefixSet, free: PrefixSet): PrefixSet =>
  setOfRanges(
    set.family,
    prefixes(union(set, free))
      .map(rangeOf)
      .filter((range) => meets(set, range))
      .toArray(),
  );
