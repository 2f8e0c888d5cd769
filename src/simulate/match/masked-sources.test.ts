import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { contains, setOfRanges } from '../../net/prefix-set.ts';
import { maskedSources } from './masked-sources.ts';

const BITS = 32n;
const prefixMask = (length: number): bigint => ((1n << BigInt(length)) - 1n) << (BITS - BigInt(length));
const masked = (and: bigint) => ({ kind: 'masked', field: 'source', and, xor: 0n, shift: 0 }) as const;

const address = fc.oneof(
  fc.bigInt({ min: 0n, max: 0xffff_ffffn }),
  fc.nat(300).map((low) => BigInt(low)),
  fc.nat(300).map((high) => BigInt(high) << 24n),
);
const values = fc.array(fc.tuple(address, fc.nat(70_000)), { maxLength: 5 }).map((list) =>
  setOfRanges(
    4,
    list.map(([first, more]) => ({
      first,
      last: first + BigInt(more) > 0xffff_ffffn ? 0xffff_ffffn : first + BigInt(more),
    })),
  ),
);
const masks = fc.oneof(
  fc.integer({ min: 0, max: 32 }).map(prefixMask),
  fc.constantFrom(0xffn, 0xff00_00ffn, 0x0000_ff00n, 0xfff0_f000n, 0x8000_0001n),
  fc.bigInt({ min: 0n, max: 0xffff_ffffn }),
);

describe('sources behind a mask', () => {
  test('are exactly those that come to lie in the values, or nobody can tell', () => {
    fc.assert(
      fc.property(values, masks, fc.array(address, { minLength: 20, maxLength: 20 }), (set, mask, probes) => {
        const found = maskedSources(set, masked(mask));
        if (found === null) return;
        for (const probe of probes)
          for (const one of [probe, probe & mask, probe | (0xffff_ffffn & ~mask)])
            assert.equal(contains(found, one), contains(set, one & mask), `${one} & ${mask}`);
      }),
      { numRuns: 1000 },
    );
  });

  test('of a prefix are whole blocks, however many values there are', () => {
    const set = setOfRanges(
      4,
      Array.from({ length: 100_000 }, (_, index) => ({ first: BigInt(index * 512), last: BigInt(index * 512) })),
    );
    const found = maskedSources(set, masked(prefixMask(24)));
    assert.equal(found?.size, 100_000);
  });

  test('of more than a mask, or of a mask with too many holes, nobody can tell', () => {
    const one = setOfRanges(4, [{ first: 0n, last: 0n }]);
    assert.equal(maskedSources(one, { ...masked(0xffn), xor: 1n }), null);
    assert.equal(maskedSources(one, { ...masked(0xffn), shift: 8 }), null);
    assert.equal(maskedSources(one, masked(0x0000_0001n)), null);
  });
});
