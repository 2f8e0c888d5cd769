import { equals, type PrefixSet } from '../../net/prefix-set.ts';
import { rangeTexts } from '../../net/range-text.ts';

/**
 * Names for the sets of addresses in a report. Each distinct set is told once, and its name stands for it everywhere.
 */
export interface NamedSets {
  /** `set-1`; equal sets have the same name. */
  readonly nameOf: (set: PrefixSet) => string;
  /** The sets that have a name so far, by name. Their ranges are made while they are read. */
  readonly all: () => Readonly<Record<string, { readonly family: 4 | 6; readonly ranges: Iterable<string> }>>;
}

/** No names yet. */
export const namedSets = (): NamedSets => {
  const alike = new Map<string, { readonly set: PrefixSet; readonly name: string }[]>();
  const named: { readonly set: PrefixSet; readonly name: string }[] = [];
  return {
    nameOf: (set) => {
      const key = `${set.family} ${set.size}`;
      const candidates = alike.get(key) ?? [];
      const known = candidates.find((one) => equals(one.set, set));
      if (known !== undefined) return known.name;
      const one = { set, name: `set-${named.length + 1}` };
      named.push(one);
      alike.set(key, [...candidates, one]);
      return one.name;
    },
    all: () =>
      Object.fromEntries(
        named.map(({ set, name }) => [
          name,
          { family: set.family, ranges: { [Symbol.iterator]: () => rangeTexts(set) } },
        ]),
      ),
  };
};
