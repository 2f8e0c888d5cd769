import assert from 'node:assert/strict';
import { LAST } from '../../src/net/family.ts';
import { readAddressMask } from '../../src/parse/values/dump-values.ts';

/**
 * Both ends of `10.0.0.0/8` or `10.0.0.1-10.0.0.9`, as reports tell ranges. More forgiving than for policies:
 * IPv4-mapped ones are there as well.
 */
export const readRange = (text: string): { readonly first: bigint; readonly last: bigint } => {
  const [first, last] = text.split('-').map((end) => {
    const masked = readAddressMask(end);
    assert.ok(masked !== null, text);
    return { first: masked.address, last: masked.address | (LAST[masked.family] ^ masked.mask) };
  });
  assert.ok(first !== undefined);
  return { first: first.first, last: (last ?? first).last };
};
