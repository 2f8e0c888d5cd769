import { describe, test } from 'node:test';
import { noKernel } from '../support/namespace.ts';
import { walksAlike } from '../support/walks-alike.ts';

describe('the simulation walks as the kernel does through legacy iptables', { skip: noKernel }, () => {
  test('packets through random rulesets of it, alone and beside nftables, hop by hop, on this kernel', (t) =>
    walksAlike(t, {
      name: 'pclab-legacy',
      kinds: ['legacy', 'legacy and nft'],
      firstSeed: 1,
      pairs: 2000,
      packetsEach: 100,
    }));
});
