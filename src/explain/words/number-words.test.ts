import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countWord, grouped } from './number-words.ts';

test('long numbers are written in groups of three digits', () => {
  const cases: readonly (readonly [number | bigint, string])[] = [
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_234_567, '1,234,567'],
    [2n ** 32n, '4,294,967,296'],
    [-1234, '-1,234'],
  ];
  for (const [count, text] of cases) assert.equal(grouped(count), text);
  assert.deepEqual([0, 12, 13, 1300].map(countWord), ['no', 'twelve', '13', '1,300']);
});
