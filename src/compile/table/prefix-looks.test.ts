import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anySet } from '../../../test/support/random-access.ts';
import { countBlocks } from '../../net/blocks.ts';
import { equals, NO_ADDRESS, union } from '../../net/prefix-set.ts';
import { chooseLengths, looksFor } from './prefix-looks.ts';

describe('the lengths of which a list of prefixes is made', () => {
  const cases: [
    words: string,
    counts: readonly (readonly [length: number, count: number])[],
    lengths: readonly number[],
  ][] = [
    ['nothing', [], []],
    ['one length', [[24, 1000]], [24]],
    [
      'a rare length beside a common one is made of it',
      [
        [24, 1000],
        [23, 3],
      ],
      [24],
    ],
    [
      'not where that takes more elements than a look is worth',
      [
        [24, 1000],
        [16, 3],
      ],
      [16, 24],
    ],
    [
      'a length that is longer and rare stays: it cannot be made of shorter ones',
      [
        [24, 1000],
        [32, 1],
      ],
      [24, 32],
    ],
    [
      'at most eight of many',
      Array.from({ length: 25 }, (_, index) => [8 + index, 10_000] as const),
      [11, 14, 17, 20, 23, 26, 29, 32],
    ],
  ];
  for (const [words, counts, lengths] of cases)
    test(words, () => assert.deepEqual(chooseLengths(new Map(counts)), lengths));

  test('they make up exactly the list, each address in one of them', () =>
    fc.assert(
      fc.property(anySet, ({ v4, v6 }) => {
        for (const set of [v4, v6]) {
          const looks = looksFor(set);
          assert.ok(looks.length <= 8);
          assert.ok(
            equals(
              looks.reduce((sum, { blocks }) => union(sum, blocks), NO_ADDRESS[set.family]),
              set,
            ),
          );
          for (const { length, blocks } of looks) assert.ok(countBlocks(blocks, length) > 0);
        }
      }),
    ));
});
