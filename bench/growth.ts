import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { auditRuleset } from '../src/audit/reach/audit.ts';
import { growthPicture } from './growth-picture.ts';
import { kubeProxyNft } from './kube-proxy-nft.ts';
import { line, median, milliseconds, processorTime } from './measure.ts';
import { LARGE, madeDumps, rulesetOf } from './node-dumps.ts';

const PICTURE = fileURLToPath(new URL('../docs/growth.svg', import.meta.url));
const SIZES = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1].map((part) => Math.round(LARGE * part));
const ROUNDS = 1;

const measure = (services: number) => {
  const { rules } = kubeProxyNft(services);
  const dumps = madeDumps(services);
  const [reading, audit]: [number[], number[]] = [[], []];
  let ports = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let ruleset = rulesetOf([]);
    reading.push(
      processorTime(() => {
        ruleset = rulesetOf(dumps);
      }),
    );
    audit.push(
      processorTime(() => {
        ports = auditRuleset(ruleset, { entries: null, ports: null, all: false }).length;
      }),
    );
  }
  return { rules, ports, reading: median(reading), audit: median(audit) };
};

// The first one is for the compiler: what it takes to make the program fast belongs to no size.
measure(SIZES[1] ?? 0);
const found = SIZES.map(measure);
for (const { rules, ports, reading, audit } of found)
  line(
    `${rules} rules, ${ports} ports`,
    `read in ${milliseconds(reading)} (${((reading * 1000) / rules).toFixed(0)} us a rule), audit ${milliseconds(audit)} (${((audit * 1000) / ports).toFixed(0)} us a port)`,
  );
writeFileSync(
  PICTURE,
  growthPicture([
    {
      title: 'Reading nft -j list ruleset',
      across: 'rules',
      points: found.map(({ rules, reading }) => [rules, reading]),
    },
    { title: 'Audit of every port', across: 'ports', points: found.map(({ ports, audit }) => [ports, audit]) },
  ]),
);
line('written', 'docs/growth.svg');
