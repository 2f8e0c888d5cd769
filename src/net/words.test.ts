import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LAST } from './family.ts';
import { readWords, sortWords, writeNext, writeWords } from './words.ts';

const pack = (values: readonly bigint[], words: 1 | 4): Uint32Array => {
  const list = new Uint32Array(values.length * words);
  values.forEach((value, index) => writeWords(list, words, index, value));
  return list;
};
const unpack = (list: Uint32Array, words: 1 | 4): readonly bigint[] =>
  Array.from({ length: list.length / words }, (_, index) => readWords(list, words, index));

describe('packed addresses', () => {
  for (const [words, last] of [
    [1, LAST[4]],
    [4, LAST[6]],
  ] as const) {
    test(`${words} words: what is written is read`, () => {
      fc.assert(
        fc.property(fc.array(fc.bigInt({ min: 0n, max: last })), (values) =>
          assert.deepEqual(unpack(pack(values, words), words), values),
        ),
      );
    });

    test(`${words} words: the address behind a network`, () => {
      const width = words * 32;
      fc.assert(
        fc.property(fc.bigInt({ min: 0n, max: last }), fc.nat(width), (value, length) => {
          const hostBits = BigInt(width - length);
          const network = (value >> hostBits) << hostBits;
          const to = new Uint32Array(words);
          const next = network + (1n << hostBits);
          assert.equal(writeNext(to, 0, pack([network], words), 0, words, length), next <= last);
          if (next <= last) assert.equal(readWords(to, words, 0), next);
        }),
      );
    });
  }

  const mix = (index: number): bigint => BigInt((Math.imul(index, 2_654_435_761) >>> 0) % 65_536);
  const shapes: Readonly<Record<string, (index: number) => bigint>> = {
    'all over': (index) => (mix(index) << 112n) | (mix(index + 7) << 64n) | mix(index + 13),
    'in one /64': (index) => (0x2001_0db8n << 96n) | (mix(index) << 32n) | mix(index + 3),
    'a few networks with many hosts': (index) => (BigInt(index % 3) << 112n) | (mix(index) << 16n) | mix(index + 1),
    'a few values, many times': (index) => BigInt(index % 5) << 60n,
    downwards: (index) => LAST[6] - BigInt(index),
  };
  for (const [shape, valueAt] of Object.entries(shapes))
    test(`5,000 IPv6 addresses are sorted: ${shape}`, () => {
      const values = Array.from({ length: 5000 }, (_, index) => valueAt(index));
      assert.deepEqual(
        unpack(sortWords(pack(values, 4), 4), 4),
        values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
      );
    });
});
