import { describe, test } from 'node:test';
import { noKernel } from '../support/namespace.ts';
import { walksAlike } from '../support/walks-alike.ts';
import { testOnKernel } from './in-vm.ts';

const IN_VM = process.env['PORTCULLIS_IN_VM'] === 'true';

describe('the simulation walks as the kernel does through legacy iptables', { skip: noKernel }, () => {
  test('packets through random rulesets of it, alone and beside nftables, hop by hop, on this kernel', (t) =>
    walksAlike(t, {
      name: 'pclab-legacy',
      kinds: ['legacy', 'legacy and nft'],
      firstSeed: 1,
      pairs: IN_VM ? 200 : 2000,
      packetsEach: IN_VM ? 50 : 100,
    }));

  test('the same on Linux 6.12', (t) => testOnKernel(t, '6.12', { file: import.meta.url, only: 'on this kernel$' }));
});
