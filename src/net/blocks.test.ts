import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { blockAddresses, blocksAround, blocksWithin, countBlocks, prefixLengths } from './blocks.ts';
import { LAST, WIDTH, type Family } from './family.ts';
import {
  contains,
  difference,
  equals,
  fullSet,
  isEmpty,
  isSubset,
  prefixes,
  setOfPrefixes,
  setOfRanges,
  type PrefixSet,
} from './prefix-set.ts';

const aSet = (family: Family): fc.Arbitrary<PrefixSet> =>
  fc
    .array(
      fc.oneof(
        fc
          .tuple(fc.nat(4000), fc.nat(300))
          .map(([first, more]) => ({ first: BigInt(first), last: BigInt(first + more) })),
        fc.nat(300).map((less) => ({ first: LAST[family] - BigInt(less), last: LAST[family] })),
        fc
          .tuple(fc.bigInt({ min: 0n, max: LAST[family] }), fc.bigInt({ min: 0n, max: LAST[family] }))
          .map(([a, b]) => ({
            first: a < b ? a : b,
            last: a < b ? b : a,
          })),
      ),
      { maxLength: 6 },
    )
    .map((list) => setOfRanges(family, list));

for (const family of [4, 6] as const)
  describe(`blocks of IPv${family}`, () => {
    const lengths = fc.oneof(
      fc.integer({ min: 0, max: WIDTH[family] }),
      fc.integer({ min: WIDTH[family] - 10, max: WIDTH[family] }),
    );

    test('around a set are the fewest blocks that hold it, within it the most that it holds', () => {
      fc.assert(
        fc.property(aSet(family), lengths, (set, length) => {
          const [around, within] = [blocksAround(set, length), blocksWithin(set, length)];
          assert.ok(isSubset(set, around) && isSubset(within, set));
          assert.ok(equals(blocksWithin(around, length), around) && equals(blocksAround(within, length), within));
          // Whole blocks beside those within are not in the set, and each block around meets it.
          assert.ok(isEmpty(blocksWithin(difference(set, within), length)));
          const mask = (1n << BigInt(WIDTH[family] - length)) - 1n;
          for (const { address } of prefixes(difference(around, set)))
            assert.ok(
              [...prefixes(set)].some(
                (one) =>
                  (one.address & ~mask) <= address &&
                  address <= (one.address | mask | ((1n << BigInt(WIDTH[family] - one.length)) - 1n)),
              ),
            );
        }),
      );
    });

    test('are counted, and told by their first addresses', () => {
      fc.assert(
        fc.property(aSet(family), fc.integer({ min: WIDTH[family] - 6, max: WIDTH[family] }), (set, length) => {
          const small = setOfPrefixes(
            family,
            [...prefixes(set)].filter((one) => one.length > WIDTH[family] - 8),
          );
          const within = blocksWithin(small, length);
          const list = [...blockAddresses(within, length)];
          assert.equal(countBlocks(within, length), list.length);
          for (const address of list) assert.ok(contains(within, address));
          assert.ok(
            equals(
              setOfPrefixes(
                family,
                list.map((address) => ({ family, address, length })),
              ),
              within,
            ),
          );
        }),
      );
    });

    test('prefixes are counted by their lengths', () => {
      fc.assert(
        fc.property(fc.oneof(aSet(family), fc.constant(fullSet(family))), (set) => {
          const counts = new Map<number, number>();
          for (const { length } of prefixes(set)) counts.set(length, (counts.get(length) ?? 0) + 1);
          assert.deepEqual([...prefixLengths(set)].toSorted(), [...counts].toSorted());
        }),
      );
    });
  });
