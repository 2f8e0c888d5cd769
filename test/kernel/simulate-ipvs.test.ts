import { describe, test } from 'node:test';
import { kernelHasIpvs } from '../../src/lab/kernel-features.ts';
import { IPVS_KINDS } from '../support/fuzz-ruleset.ts';
import { noKernel } from '../support/namespace.ts';
import { walksAlike } from '../support/walks-alike.ts';

const IN_VM = process.env['PORTCULLIS_IN_VM'] === 'true';
const HAS_IPVS = await kernelHasIpvs();

// In a machine: test/machines/rows.ts. More, and on another kernel: npm run fuzz:kernel -- 1000 1 ipvs 6.1
describe('the simulation walks as the kernel does through IPVS', { skip: noKernel }, () => {
  if (HAS_IPVS)
    test('packets to random services beside random rules, hop by hop, on this kernel', (t) =>
      walksAlike(t, {
        name: 'pclab-ipvs',
        kinds: IPVS_KINDS,
        firstSeed: 1,
        pairs: IN_VM ? 150 : 300,
        packetsEach: 50,
      }));
});
