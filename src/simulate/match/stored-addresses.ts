import type { Family } from '../../net/family.ts';
import { setOfRanges, type PrefixSet } from '../../net/prefix-set.ts';
import type { AddressSetObject, Interval } from '../../ruleset/table.ts';

const contents = new WeakMap<readonly Interval[], PrefixSet>();

/** The addresses of a stored set, computed once. */
export const contentOf = (set: AddressSetObject): PrefixSet => {
  const known = contents.get(set.intervals);
  if (known !== undefined) return known;
  const family: Family = set.type === 'ipv4_addr' ? 4 : 6;
  const content = setOfRanges(family, set.intervals);
  contents.set(set.intervals, content);
  return content;
};
