import { fileURLToPath } from 'node:url';
import { kernelHasIpvs } from '../src/lab/kernel-features.ts';
import { runInVm } from '../src/lab/vm.ts';
import { KERNELS, type Kernel } from '../src/lab/vm-releases.ts';
import { fuzzKernel } from '../test/support/fuzz-kernel.ts';
import { IPVS_KINDS, PLAIN_KINDS } from '../test/support/fuzz-ruleset.ts';

// npm run fuzz:kernel [-- PAIRS [SEED [all|ipvs [KERNEL]]]]: pairs of a random ruleset and a packet. With a KERNEL (6.1
// or 6.12) in a virtual machine; those of IPVS are there in any case where the running kernel has none.

const [pairs = '50000', seed = '1000', what = 'all', wanted] = process.argv.slice(2);
const kinds = { all: PLAIN_KINDS, ipvs: IPVS_KINDS }[what];
const kernel = KERNELS.find((one) => one === wanted);
if (kinds === undefined || kernel !== wanted)
  throw new Error('usage: npm run fuzz:kernel [-- PAIRS [SEED [all|ipvs [6.1|6.12]]]]');

/** What is said comes when the machine has ended. */
const inMachine = async (on: Kernel): Promise<number> => {
  const ended = await runInVm({
    argv: [process.execPath, fileURLToPath(import.meta.url), pairs, seed, what],
    kernel: on,
    timeoutMs: 24 * 3_600_000,
    cpus: 1,
  });
  if (!ended.ok) throw new Error(ended.problems.map(({ message }) => message).join('\n'));
  process.stdout.write(ended.value.stdout);
  process.stderr.write(ended.value.stderr);
  return ended.value.status;
};

const here = async (): Promise<number> => {
  const began = performance.now();
  let told = 0;
  const result = await fuzzKernel({
    name: 'pclab-fuzz',
    kinds,
    firstSeed: Number(seed),
    pairs: Number(pairs),
    // Services differ in more ways than rules do.
    packetsEach: what === 'ipvs' ? 50 : 200,
    found: (one) => console.log(one),
    progress: (done, disagreements) => {
      if (done - told < 2000) return;
      told = done;
      console.error(`${done} packets, ${disagreements} disagreements`);
    },
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(
    `${result.pairs} packets through ${result.rulesets} rulesets in ${seconds} s: ${result.disagreements.length} disagreements`,
  );
  return result.disagreements.length === 0 ? 0 : 1;
};

if (kernel !== undefined) process.exitCode = await inMachine(kernel);
else if (what === 'ipvs' && !(await kernelHasIpvs())) process.exitCode = await inMachine('6.1');
else process.exitCode = await here();
