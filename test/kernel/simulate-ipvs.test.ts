import { describe, test } from 'node:test';
import { kernelHasIpvs } from '../../src/lab/kernel-features.ts';
import { IPVS_KINDS } from '../support/fuzz-ruleset.ts';
import { noKernel } from '../support/namespace.ts';
import { walksAlike } from '../support/walks-alike.ts';
import { testOnKernel } from './in-vm.ts';

const HAS_IPVS = await kernelHasIpvs();

describe('the simulation walks as the kernel does through IPVS', { skip: noKernel }, () => {
  if (HAS_IPVS)
    test('packets to random services beside random rules, hop by hop, on this kernel', (t) =>
      walksAlike(t, { name: 'pclab-ipvs', kinds: IPVS_KINDS, firstSeed: 1, pairs: 300, packetsEach: 50 }));

  // On 6.12: npm run fuzz:kernel -- 1000 1 ipvs 6.12
  test('the same on Linux 6.1', (t) => testOnKernel(t, '6.1', { file: import.meta.url, only: 'on this kernel$' }));
});
