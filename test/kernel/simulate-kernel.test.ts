import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzKernel } from '../support/fuzz-kernel.ts';
import { noKernel } from '../support/namespace.ts';

describe('the simulation walks as the kernel does', { skip: noKernel }, () => {
  test('2,000 packets through random rulesets of nftables, iptables and both, hop by hop', async () => {
    const { pairs, rulesets, refused, disagreements } = await fuzzKernel({
      name: 'pclab-simulate',
      kinds: ['nft', 'iptables', 'both'],
      firstSeed: 1,
      pairs: 2000,
      packetsEach: 100,
    });
    assert.deepEqual(disagreements, []);
    assert.ok(pairs >= 2000);
    assert.ok(refused < rulesets, `nft and iptables refused ${refused} of the generator's rulesets`);
  });
});
