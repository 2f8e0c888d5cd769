import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vmReady } from '../../src/lab/vm.ts';
import { fuzzKernel } from '../support/fuzz-kernel.ts';
import { noKernel } from '../support/namespace.ts';
import { testInVm } from './in-vm.ts';

const PAIRS = process.env['PORTCULLIS_IN_VM'] === 'true' ? 400 : 2000;

describe('the simulation walks as the kernel does through legacy iptables', { skip: noKernel }, () => {
  test('packets through random rulesets of it, alone and beside nftables, hop by hop, on this kernel', async (t) => {
    const { pairs, rulesets, refused, disagreements } = await fuzzKernel({
      name: 'pclab-legacy',
      kinds: ['legacy', 'legacy and nft'],
      firstSeed: 1,
      pairs: PAIRS,
      packetsEach: 50,
    });
    assert.deepEqual(disagreements, []);
    assert.ok(pairs >= PAIRS);
    assert.ok(refused < rulesets, `nft and iptables refused ${refused} of the generator's rulesets`);
    t.diagnostic(`${pairs} packets through ${rulesets} rulesets`);
  });

  test('the same on Linux 6.12', async (t) => {
    const ready = await vmReady('6.12');
    if (!ready.ok) return t.skip(ready.problems.map(({ message }) => message).join('; '));
    await testInVm({
      file: import.meta.url,
      kernel: '6.12',
      only: 'on this kernel$',
      tell: (line) => t.diagnostic(line),
    });
  });
});
