import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anySet } from '../../test/support/random-access.ts';
import { readRange } from '../../test/support/read-range.ts';
import { equals, EVERY_ADDRESS, NO_ADDRESS, prefixes, setOfRanges, type PrefixSet } from './prefix-set.ts';
import { rangeTexts } from './range-text.ts';

const of = (first: bigint, last: bigint): PrefixSet => setOfRanges(4, [{ first, last }]);

describe('a set as texts', () => {
  const cases: [set: PrefixSet, texts: readonly string[]][] = [
    [NO_ADDRESS[4], []],
    [EVERY_ADDRESS[4], ['0.0.0.0/0']],
    [EVERY_ADDRESS[6], ['::/0']],
    [of(0x0a00_0001n, 0x0a00_0001n), ['10.0.0.1/32']],
    [of(0x0a00_0001n, 0x0a00_0002n), ['10.0.0.1-10.0.0.2']],
    [of(0x0a00_0002n, 0x0a00_0003n), ['10.0.0.2/31']],
    [of(1n, (1n << 32n) - 1n), ['0.0.0.1-255.255.255.255']],
  ];
  for (const [set, texts] of cases)
    test(texts.join(', ') || 'nobody', () => assert.deepEqual([...rangeTexts(set)], texts));

  test('read back it is the same set, in at most as many texts as there are prefixes', () => {
    fc.assert(
      fc.property(anySet, ({ v4, v6 }) => {
        for (const set of [v4, v6]) {
          const texts = [...rangeTexts(set)];
          assert.ok(equals(setOfRanges(set.family, texts.map(readRange)), set));
          assert.ok(texts.length <= [...prefixes(set)].length);
        }
      }),
    );
  });
});
