import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FAMILIES, LAST, WIDTH, type Family } from './family.ts';
import { formatPrefix, networkOf, rangeOf, type Prefix } from './prefix.ts';
import {
  complement,
  contains,
  count,
  difference,
  emptySet,
  equals,
  fullSet,
  intersection,
  isEmpty,
  isSubset,
  prefixes,
  ranges,
  setOfPrefixes,
  setOfRanges,
  union,
  type PrefixSet,
} from './prefix-set.ts';
import { knownDifference, knownIntersection, memoUnion } from './remembered.ts';

type Ends = readonly { readonly first: bigint; readonly last: bigint }[];

/**
 * Ranges that meet, touch and contain each other: ends near 0, near the last address, near a word boundary, and
 * anywhere.
 */
const anyEnds = (family: Family): fc.Arbitrary<Ends> => {
  const near = (centre: bigint) => fc.integer({ min: -6, max: 6 }).map((step) => centre + BigInt(step));
  const end = fc
    .oneof(
      near(6n),
      near(LAST[family] - 6n),
      near(1n << BigInt(WIDTH[family] - 8)),
      near(1n << BigInt(WIDTH[family] / 2)),
      fc.bigInt({ min: 0n, max: LAST[family] }),
    )
    .filter((value) => value >= 0n && value <= LAST[family]);
  return fc.array(
    fc.tuple(end, end).map(([a, b]) => ({ first: a < b ? a : b, last: a < b ? b : a })),
    { maxLength: 8 },
  );
};
const anySet = (family: Family): fc.Arbitrary<PrefixSet> => anyEnds(family).map((ends) => setOfRanges(family, ends));

/** Addresses at which any of the sets can change, and their neighbours. */
const probes = (family: Family, ...lists: readonly Ends[]): readonly bigint[] => [
  ...new Set(
    [0n, LAST[family], ...lists.flat().flatMap(({ first, last }) => [first - 1n, first, last, last + 1n])].filter(
      (value) => value >= 0n && value <= LAST[family],
    ),
  ),
];
const isIn = (ends: Ends, value: bigint): boolean => ends.some(({ first, last }) => first <= value && value <= last);
const same = (a: PrefixSet, b: PrefixSet): void => {
  assert.ok(equals(a, b));
  assert.deepEqual(a, b, 'equal sets are stored alike');
};

for (const family of FAMILIES)
  describe(`sets over ${WIDTH[family]} bits`, () => {
    const one = anySet(family);
    const [none, all] = [emptySet(family), fullSet(family)];
    const law = (name: string, check: (a: PrefixSet, b: PrefixSet, c: PrefixSet) => void): void => {
      test(name, () => fc.assert(fc.property(one, one, one, check), { numRuns: 300 }));
    };

    law('union and intersection are commutative', (a, b) => {
      same(union(a, b), union(b, a));
      same(intersection(a, b), intersection(b, a));
    });
    law('union and intersection are associative', (a, b, c) => {
      same(union(a, union(b, c)), union(union(a, b), c));
      same(intersection(a, intersection(b, c)), intersection(intersection(a, b), c));
    });
    law('each distributes over the other', (a, b, c) => {
      same(intersection(a, union(b, c)), union(intersection(a, b), intersection(a, c)));
      same(union(a, intersection(b, c)), intersection(union(a, b), union(a, c)));
    });
    law('De Morgan', (a, b) => {
      same(complement(union(a, b)), intersection(complement(a), complement(b)));
      same(complement(intersection(a, b)), union(complement(a), complement(b)));
    });
    law('idempotence, absorption, neutral and extreme elements', (a, b) => {
      same(union(a, a), a);
      same(intersection(a, a), a);
      same(union(a, intersection(a, b)), a);
      same(intersection(a, union(a, b)), a);
      same(union(a, none), a);
      same(union(a, all), all);
      same(intersection(a, all), a);
      same(intersection(a, none), none);
    });
    law('complement', (a) => {
      same(complement(complement(a)), a);
      same(union(a, complement(a)), all);
      same(intersection(a, complement(a)), none);
    });
    law('difference', (a, b, c) => {
      same(difference(a, b), intersection(a, complement(b)));
      same(union(difference(a, b), intersection(a, b)), a);
      same(difference(a, union(b, c)), intersection(difference(a, b), difference(a, c)));
      same(difference(a, a), none);
    });
    law('subset is the order of the algebra', (a, b) => {
      assert.ok(isSubset(intersection(a, b), a) && isSubset(a, union(a, b)));
      assert.equal(isSubset(a, b), equals(union(a, b), b));
      assert.equal(isSubset(a, b) && isSubset(b, a), equals(a, b));
      assert.equal(isEmpty(a), equals(a, none));
    });
    law('remembered operations are the operations', (a, b) => {
      for (let time = 0; time < 2; time++) {
        same(memoUnion(a, b), union(a, b));
        same(knownIntersection(a, b), intersection(a, b));
        same(knownDifference(a, b), difference(a, b));
      }
    });
    law('count adds up', (a, b) => {
      assert.equal(count(union(a, b)) + count(intersection(a, b)), count(a) + count(b));
      assert.equal(count(a) + count(complement(a)), LAST[family] + 1n);
    });

    test('membership is what the ranges say, in every operation', () => {
      fc.assert(
        fc.property(anyEnds(family), anyEnds(family), (x, y) => {
          const [a, b] = [setOfRanges(family, x), setOfRanges(family, y)];
          const results = { and: intersection(a, b), or: union(a, b), less: difference(a, b), not: complement(a) };
          for (const value of probes(family, x, y)) {
            const [inA, inB] = [isIn(x, value), isIn(y, value)];
            assert.equal(contains(a, value), inA);
            assert.equal(contains(results.and, value), inA && inB);
            assert.equal(contains(results.or, value), inA || inB);
            assert.equal(contains(results.less, value), inA && !inB);
            assert.equal(contains(results.not, value), !inA);
          }
        }),
        { numRuns: 300 },
      );
    });

    test('order, repetition and overlap of what a set is made from do not matter', () => {
      fc.assert(
        fc.property(anyEnds(family), fc.infiniteStream(fc.nat()), (ends, numbers) => {
          const shuffled = [...ends, ...ends]
            .map((range) => ({ range, at: numbers.next().value ?? 0 }))
            .sort((x, y) => x.at - y.at)
            .map(({ range }) => range);
          same(setOfRanges(family, shuffled), setOfRanges(family, ends));
        }),
      );
    });

    test('ranges are ascending and apart, and make up the set', () => {
      fc.assert(
        fc.property(one, (a) => {
          const list = [...ranges(a)];
          assert.equal(list.length, a.size);
          for (const [index, { first, last }] of list.entries()) {
            assert.ok(first <= last);
            const next = list[index + 1];
            assert.ok(next === undefined || next.first > last + 1n);
          }
          same(setOfRanges(family, list), a);
          assert.equal(
            list.reduce((sum, { first, last }) => sum + last - first + 1n, 0n),
            count(a),
          );
        }),
      );
    });

    test('prefixes are disjoint, ascending, the fewest, and make up the set', () => {
      fc.assert(
        fc.property(one, (a) => {
          const list = [...prefixes(a)];
          same(setOfPrefixes(family, list), a);
          let [end, sum] = [-1n, 0n];
          for (const prefix of list) {
            const { first, last } = rangeOf(prefix);
            assert.ok(first > end, 'ascending and disjoint');
            end = last;
            sum += last - first + 1n;
            // The fewest prefixes are the maximal ones: the network one bit larger is not in the set.
            if (prefix.length > 0) {
              const wider = networkOf({ family, value: prefix.address }, prefix.length - 1);
              assert.ok(!isSubset(setOfPrefixes(family, [wider]), a), `${formatPrefix(prefix)} is not maximal`);
            }
          }
          assert.equal(sum, count(a));
        }),
      );
    });
  });

describe('sets from prefixes', () => {
  const net = (address: bigint, length: number): Prefix => ({ family: 4, address, length });
  const cases: readonly (readonly [what: string, from: readonly Prefix[], prefixes: string])[] = [
    ['nothing', [], ''],
    ['everything', [net(0n, 0)], '0.0.0.0/0'],
    ['two halves are one network', [net(0n, 1), net(1n << 31n, 1)], '0.0.0.0/0'],
    ['a network swallows what lies in it', [net(0x0a00_0000n, 8), net(0x0a01_0203n, 32)], '10.0.0.0/8'],
    ['neighbours merge', [net(0xc000_0200n, 25), net(0xc000_0280n, 25)], '192.0.2.0/24'],
    [
      'neighbours that are no network stay two',
      [net(0xc000_0280n, 25), net(0xc000_0300n, 25)],
      '192.0.2.128/25 192.0.3.0/25',
    ],
    ['the last address', [net(0xffff_ffffn, 32)], '255.255.255.255/32'],
    ['the first address', [net(0n, 32)], '0.0.0.0/32'],
  ];
  for (const [what, from, text] of cases)
    test(what, () => assert.equal([...prefixes(setOfPrefixes(4, from))].map(formatPrefix).join(' '), text));

  test('200,000 prefixes of either family hold exactly their addresses', () => {
    for (const family of FAMILIES) {
      const step = 1n << BigInt(WIDTH[family] - 20);
      const list = Array.from({ length: 200_000 }, (_, index) => ({
        family,
        address: BigInt((index * 7919) % 200_003) * step,
        length: WIDTH[family],
      }));
      const set = setOfPrefixes(family, list);
      assert.equal(set.size, 200_000);
      assert.equal(count(set), 200_000n);
      assert.ok(list.every(({ address }) => contains(set, address) && !contains(set, address + 1n)));
    }
  });
});
