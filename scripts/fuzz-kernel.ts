import { fuzzKernel } from '../test/support/fuzz-kernel.ts';

/** Pairs of a random ruleset and a packet: `npm run fuzz:kernel [-- PAIRS [SEED]]`. */
const [pairs = '50000', seed = '1000'] = process.argv.slice(2);

const began = performance.now();
let told = 0;
const result = await fuzzKernel({
  name: 'pclab-fuzz',
  kinds: ['nft', 'iptables', 'both', 'legacy', 'legacy and nft'],
  firstSeed: Number(seed),
  pairs: Number(pairs),
  packetsEach: 200,
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
process.exitCode = result.disagreements.length === 0 ? 0 : 1;
