import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { auditRuleset } from '../src/audit/reach/audit.ts';
import { line, median, milliseconds, processorTime } from './measure.ts';
import { largeDumps, madeDumps, rulesetOf } from './node-dumps.ts';
import { randomRules } from './random-rules.ts';

const PORTS = 2_768;
const RULES = 100_000;
const ROUNDS = 3;

const SUBJECTS = {
  large: largeDumps,
  random: () => [...madeDumps(PORTS * 4), randomRules(RULES, PORTS)],
} as const;

type Subject = keyof typeof SUBJECTS;

interface Told {
  readonly took: number;
  readonly memory: number;
  readonly audited: number;
}

/**
 * Audits once in this fresh process: milliseconds of processor time after loading, and the most memory that the process
 * had, in MB.
 */
const auditOnce = (subject: Subject): void => {
  const ruleset = rulesetOf(SUBJECTS[subject]());
  let audited = 0;
  const took = processorTime(() => {
    audited = auditRuleset(ruleset, { entries: null, ports: null, all: false }).length;
  });
  // Linux gives it in KiB (getrusage(2), ru_maxrss).
  const memory = (process.resourceUsage().maxRSS * 1024) / 1e6;
  console.log(JSON.stringify({ took, memory, audited }));
};

const fresh = (subject: Subject): Told => {
  const { stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--once', subject], {
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as Told;
};

const report = (name: string, told: readonly Told[], most: number): void => {
  const took = median(told.map((one) => one.took));
  const memory = Math.max(...told.map((one) => one.memory));
  line(`${name}: ${told[0]?.audited ?? 0} exposures`, milliseconds(took), `<= ${most} ms`, took <= most);
  line('  most memory of the process, loading included', `${memory.toFixed(0)} MB`, '<= 1000 MB', memory <= 1000);
};

if (process.argv[2] === '--once') auditOnce(process.argv[3] === 'random' ? 'random' : 'large');
else {
  const rounds = Array.from({ length: ROUNDS }, () => [fresh('large'), fresh('random')] as const);
  report(
    'all ports of the large node',
    rounds.map(([large]) => large),
    2_000,
  );
  report(
    `${RULES} random rules before ${PORTS} node ports`,
    rounds.map(([, random]) => random),
    10_000,
  );
}
