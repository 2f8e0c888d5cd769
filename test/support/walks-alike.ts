import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { fuzzKernel, type FuzzWish } from './fuzz-kernel.ts';

/** Random rulesets in which every packet goes the way that the simulation says. */
export const walksAlike = async (t: TestContext, wish: FuzzWish): Promise<void> => {
  const { pairs, rulesets, refused, disagreements } = await fuzzKernel(wish);
  assert.deepEqual(disagreements, []);
  assert.ok(pairs >= wish.pairs);
  assert.ok(refused < rulesets, `the kernel's tools refused ${refused} of the generator's rulesets`);
  t.diagnostic(`${pairs} packets through ${rulesets} rulesets`);
};
