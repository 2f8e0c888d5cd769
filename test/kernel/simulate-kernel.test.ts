import { describe, test } from 'node:test';
import { noKernel } from '../support/namespace.ts';
import { walksAlike } from '../support/walks-alike.ts';

describe('the simulation walks as the kernel does', { skip: noKernel }, () => {
  test('2,000 packets through random rulesets of nftables, iptables and both, hop by hop', (t) =>
    walksAlike(t, {
      name: 'pclab-simulate',
      kinds: ['nft', 'iptables', 'both'],
      firstSeed: 1,
      pairs: 2000,
      packetsEach: 100,
    }));
});
