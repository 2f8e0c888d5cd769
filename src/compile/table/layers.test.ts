import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anySet } from '../../../test/support/random-access.ts';
import { randomFrom } from '../../../test/support/random.ts';
import { ofFamily } from '../../net/address-set.ts';
import { difference, equals, setOfRanges, union, type PrefixSet } from '../../net/prefix-set.ts';
import { addressesOfLayers, changeLayers, intervalsOf, type Layer } from './layers.ts';

const range = (first: number, last = first): PrefixSet =>
  setOfRanges(4, [{ first: BigInt(first), last: BigInt(last) }]);
/** Single addresses, every other one. */
const scattered = (count: number): PrefixSet =>
  setOfRanges(
    4,
    Array.from({ length: count }, (_, index) => ({ first: BigInt(index * 2), last: BigInt(index * 2) })),
  );
const text = (layers: readonly Layer[]): readonly string[] =>
  layers.map(({ admits, intervals }) => `${admits ? '+' : '-'}${intervals.length}`);

describe('layers of addresses', () => {
  const cases: readonly (readonly [words: string, start: PrefixSet, steps: readonly PrefixSet[], after: string])[] = [
    ['nobody: no layer', scattered(0), [], ''],
    ['a small set is written anew', scattered(200), [union(scattered(200), range(1001))], '+201'],
    ['one more beside many', scattered(5000), [union(scattered(5000), range(99_999))], '+1 +5000'],
    ['one less beside many', scattered(5000), [difference(scattered(5000), range(8))], '-1 +5000'],
    [
      'one more and one less',
      scattered(5000),
      [union(difference(scattered(5000), range(8)), range(99_999))],
      '+1 -1 +5000',
    ],
    [
      'back again: the layer in front goes',
      scattered(5000),
      [union(scattered(5000), range(99_999)), scattered(5000)],
      '+5000',
    ],
    ['what is far smaller is written anew', scattered(5000), [scattered(4000)], '+4000'],
    ['nobody any more', scattered(5000), [scattered(0)], ''],
    [
      'a few more in front of hundreds in front of many',
      scattered(100_000),
      [
        difference(scattered(100_000), scattered(1000)),
        union(difference(scattered(100_000), scattered(1000)), range(999_999)),
      ],
      '+1 -1000 +100000',
    ],
    [
      'many more in front of hundreds in front of many: both become one',
      scattered(100_000),
      [scattered(101_000), scattered(101_100)],
      '+1100 +100000',
    ],
  ];
  for (const [words, start, steps, after] of cases)
    test(words, () => {
      const layers = steps.reduce<readonly Layer[]>(changeLayers, changeLayers([], start));
      assert.equal(text(layers).join(' '), after);
    });

  test('stand for what is wanted, whatever was there; what is right already stays as it is', () =>
    fc.assert(
      fc.property(fc.constantFrom<4 | 6>(4, 6), fc.array(anySet, { maxLength: 6 }), (family, sets) => {
        let layers: readonly Layer[] = [];
        for (const set of sets) {
          const wanted = ofFamily(set, family);
          layers = changeLayers(layers, wanted);
          assert.ok(equals(addressesOfLayers(family, layers), wanted));
          assert.equal(changeLayers(layers, wanted), layers);
        }
      }),
    ));

  test('stay few and are seldom written, while thousands of addresses come and go one by one', () => {
    const random = randomFrom(7);
    let wanted = scattered(20_000);
    let layers: readonly Layer[] = changeLayers([], wanted);
    let written = 0;
    for (let change = 0; change < 2000; change++) {
      const one = range(random.below(60_000));
      wanted = random.once(2) ? union(wanted, one) : difference(wanted, one);
      const next = changeLayers(layers, wanted);
      for (const layer of next) if (!layers.includes(layer)) written += layer.intervals.length;
      layers = next;
      assert.ok(layers.length <= 5, text(layers).join(' '));
      if (change % 100 === 0) assert.ok(equals(addressesOfLayers(4, layers), wanted));
    }
    assert.ok(written / 2000 < 256, `${written / 2000} intervals for each change`);
  });

  test('everybody is two halves, for an interval without an end could not be told from one that has lost it', () =>
    assert.deepEqual(
      intervalsOf(range(0, 2 ** 32 - 1)).map(({ first, last }) => [first, last]),
      [
        [0n, 2n ** 31n - 1n],
        [2n ** 31n, 2n ** 32n - 1n],
      ],
    ));
});
