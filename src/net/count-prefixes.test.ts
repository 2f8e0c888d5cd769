import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { countPrefixes } from './count-prefixes.ts';
import { LAST } from './family.ts';
import { complement, fullSet, prefixes, setOfRanges } from './prefix-set.ts';

for (const family of [4, 6] as const)
  describe(`IPv${family}`, () => {
    const number = fc.oneof(
      fc.bigInt({ min: 0n, max: LAST[family] }),
      fc.nat(40).map((small) => BigInt(small)),
      fc.nat(40).map((small) => LAST[family] - BigInt(small)),
    );
    test('as many prefixes are counted as make up the set', () => {
      const some = fc.array(fc.tuple(number, number), { maxLength: 5 }).map((list) =>
        setOfRanges(
          family,
          list.map(([a, b]) => (a < b ? { first: a, last: b } : { first: b, last: a })),
        ),
      );
      fc.assert(
        fc.property(some, (set) => {
          for (const one of [set, complement(set)]) assert.equal(countPrefixes(one), [...prefixes(one)].length);
        }),
      );
      assert.equal(countPrefixes(fullSet(family)), 1);
    });
  });
