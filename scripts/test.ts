import { globSync, readFileSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { buildPrograms, compileBuilt } from '../src/lab/built.ts';

// npm test [-- WORDS]: only the files whose path holds one of the words.

interface Group {
  readonly name: string;
  readonly pattern: string;
  /** What needs another kernel than the running one, in virtual machines in software; else such tests are left for that group. */
  readonly inMachines?: boolean;
  /** Files at the same time. Kernel tests wait for refused packets with short time-outs and share the machine with nobody. */
  readonly concurrency: number;
}

const GROUPS: readonly Group[] = [
  { name: 'pure', pattern: 'src/**/*.test.ts', concurrency: 2 },
  { name: 'across stages', pattern: 'test/*.test.ts', concurrency: 2 },
  { name: 'command line', pattern: 'test/cli/*.test.ts', concurrency: 1 },
  { name: 'kernel', pattern: 'test/kernel/*.test.ts', concurrency: 1 },
  // Its machines have two processors, and the slower they are, the more there is to do.
  { name: 'the hammer in virtual machines', pattern: 'test/kernel/hammer.test.ts', concurrency: 1, inMachines: true },
  // An emulated machine keeps one processor busy.
  { name: 'virtual machines', pattern: 'test/kernel/!(hammer).test.ts', concurrency: 2, inMachines: true },
];

interface Counts {
  tests: number;
  suites: number;
  passed: number;
  failed: number;
  cancelled: number;
  skipped: number;
  todo: number;
}

const words = process.argv.slice(2);

/** Names of tests that start a virtual machine. */
const IN_MACHINES =
  /Linux 6\.\d+|in the virtual machine|kube-proxy in mode ipvs|ends when time is up|ends with the process that started it/;
const STARTS_MACHINES = /\b(?:testInVm|testOnKernel|runInVm)\b/;
const total: Counts = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
const seconds: [string, number][] = [];
const begin = performance.now();

for (const { name, pattern, concurrency, inMachines = false } of GROUPS) {
  const files = globSync(pattern)
    .toSorted()
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .filter((file) => !inMachines || STARTS_MACHINES.test(readFileSync(file, 'utf8')));
  if (files.length === 0) continue;
  if (inMachines && process.env['PORTCULLIS_BUILT'] !== 'true') {
    // Once for all: machines see these files while others start.
    const built = await buildPrograms();
    if (!built.ok) throw new Error(built.problems.map(({ message }) => message).join('\n'));
    await compileBuilt();
    process.env['PORTCULLIS_BUILT'] = 'true';
  }
  console.log(`\n── ${name}: ${files.length} files`);
  const events = run({
    files,
    concurrency,
    ...(inMachines ? { testNamePatterns: [IN_MACHINES] } : { testSkipPatterns: [IN_MACHINES] }),
  });
  events.on('test:summary', ({ file, duration_ms: ms, counts }) => {
    if (file !== undefined) {
      seconds.push([
        `${file.replace(`${process.cwd()}/`, '')}${inMachines ? ' (in virtual machines)' : ''}`,
        ms / 1000,
      ]);
      return;
    }
    for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += (counts as unknown as Counts)[key];
  });
  const report = events.compose(spec);
  report.pipe(process.stdout, { end: false });
  await finished(report);
}

console.log('\n── seconds of each file');
for (const [file, time] of seconds.toSorted(([, a], [, b]) => b - a))
  console.log(`${time.toFixed(1).padStart(7)}  ${file}`);

// The closing lines of node:test, over all groups.
console.log('');
console.log(`ℹ tests ${total.tests}`);
console.log(`ℹ suites ${total.suites}`);
console.log(`ℹ pass ${total.passed}`);
console.log(`ℹ fail ${total.failed}`);
console.log(`ℹ cancelled ${total.cancelled}`);
console.log(`ℹ skipped ${total.skipped}`);
console.log(`ℹ todo ${total.todo}`);
console.log(`ℹ duration_ms ${(performance.now() - begin).toFixed(3)}`);
const mustNotSkip = process.env['CI'] === 'true' && total.skipped > 0;
if (mustNotSkip) console.log('skipped tests count as failures where CI=true');
process.exitCode = total.failed + total.cancelled > 0 || total.tests === 0 || mustNotSkip ? 1 : 0;
