import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anySet } from '../../../test/support/random-access.ts';
import { randomFrom } from '../../../test/support/random.ts';
import { ofFamily } from '../../net/address-set.ts';
import { complement, difference, equals, isEmpty, setOfRanges, union, type PrefixSet } from '../../net/prefix-set.ts';
import { addressesOfLayers, changeLayers, type Layer, type WeighedLayer } from './layers.ts';

const range = (first: number, last = first): PrefixSet =>
  setOfRanges(4, [{ first: BigInt(first), last: BigInt(last) }]);
/** Single addresses, every other one. */
const scattered = (count: number): PrefixSet =>
  setOfRanges(
    4,
    Array.from({ length: count }, (_, index) => ({ first: BigInt(index * 2), last: BigInt(index * 2) })),
  );
const isEverything = ({ holds }: Layer): boolean => isEmpty(complement(holds));
const text = (layers: readonly Layer[]): readonly string[] =>
  layers.map((layer) => `${layer.admits ? '+' : '-'}${isEverything(layer) ? 'all' : layer.holds.size}`);
/** As they would come back from the kernel. */
const change = (stored: readonly WeighedLayer[], wanted: PrefixSet): readonly WeighedLayer[] => {
  const layers: readonly (WeighedLayer | Layer)[] = changeLayers(stored, wanted);
  return layers === stored
    ? stored
    : layers.map((layer) =>
        'weight' in layer ? layer : { ...layer, weight: isEverything(layer) ? 1 : layer.holds.size },
      );
};

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
    ['everybody', scattered(0), [range(0, 2 ** 32 - 1)], '+all'],
    ['everybody but many', complement(scattered(5000)), [], '-5000 +all'],
    [
      'everybody but many and one more',
      complement(scattered(5000)),
      [complement(union(scattered(5000), range(99_999)))],
      '-1 -5000 +all',
    ],
    ['everybody again', complement(scattered(5000)), [range(0, 2 ** 32 - 1)], '+all'],
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
      const layers = steps.reduce(change, change([], start));
      assert.equal(text(layers).join(' '), after);
    });

  test('stand for what is wanted, whatever was there; what is right already stays as it is', () =>
    fc.assert(
      fc.property(fc.constantFrom<4 | 6>(4, 6), fc.array(anySet, { maxLength: 6 }), (family, sets) => {
        let layers: readonly WeighedLayer[] = [];
        for (const set of sets) {
          const wanted = ofFamily(set, family);
          layers = change(layers, wanted);
          assert.ok(equals(addressesOfLayers(family, layers), wanted));
          assert.equal(change(layers, wanted), layers);
        }
      }),
    ));

  test('stay few and are seldom written, while thousands of addresses come and go one by one', () => {
    const random = randomFrom(7);
    let wanted = scattered(20_000);
    let layers = change([], wanted);
    let written = 0;
    for (let round = 0; round < 2000; round++) {
      const one = range(random.below(60_000));
      wanted = random.once(2) ? union(wanted, one) : difference(wanted, one);
      const next = change(layers, wanted);
      for (const layer of next) if (!layers.includes(layer)) written += layer.holds.size;
      layers = next;
      assert.ok(layers.length <= 5, text(layers).join(' '));
      if (round % 100 === 0) assert.ok(equals(addressesOfLayers(4, layers), wanted));
    }
    assert.ok(written / 2000 < 256, `${written / 2000} addresses for each change`);
  });
});
