import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { looseSet } from './loose-set.ts';
import { formatPrefix, parsePrefix } from './prefix.ts';
import {
  count,
  intersection,
  isSubset,
  prefixes,
  setOfPrefixes,
  setOfRanges,
  union,
  type PrefixSet,
} from './prefix-set.ts';

const setOf = (...texts: readonly string[]): PrefixSet =>
  setOfPrefixes(
    4,
    texts.map((text) => {
      const parsed = parsePrefix(text);
      if (!parsed.ok) throw new Error(text);
      return parsed.value;
    }),
  );

describe('a set is said with what does not matter', () => {
  const cases: readonly (readonly [set: readonly string[], free: readonly string[], said: string])[] = [
    [['10.0.0.0/32', '10.0.0.2/31', '10.0.0.4/30'], ['10.0.0.1/32'], '10.0.0.0/29'],
    [['10.0.0.0/24'], ['224.0.0.0/4'], '10.0.0.0/24'],
    [[], ['10.0.0.0/8'], ''],
    [['10.0.0.0/9', '10.128.0.0/10'], ['10.192.0.0/16'], '10.0.0.0/9 10.128.0.0/10'],
  ];
  for (const [set, free, said] of cases)
    test(`${set.join(' ')} beside ${free.join(' ')}: ${said || 'nobody'}`, () =>
      assert.equal([...prefixes(looseSet(setOf(...set), setOf(...free)))].map(formatPrefix).join(' '), said));

  const sets = fc.array(fc.tuple(fc.bigInt(0n, 255n), fc.bigInt(0n, 30n)), { maxLength: 6 }).map((list) =>
    setOfRanges(
      4,
      list.map(([first, size]) => ({ first, last: first + size })),
    ),
  );
  test('no address is lost, none comes from elsewhere, and there are no more prefixes than before', () => {
    fc.assert(
      fc.property(sets, sets, (set, free) => {
        const said = looseSet(set, free);
        assert.ok(isSubset(set, said));
        assert.ok(isSubset(said, union(set, free)));
        assert.ok([...prefixes(said)].length <= [...prefixes(set)].length);
        assert.equal(count(intersection(said, set)), count(set));
      }),
    );
  });
});
