import { globSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { MACHINE_SUITES, rowsAsked } from '../test/machines/rows.ts';
import { publishForAll, publishForMachines } from '../test/support/publish.ts';

// npm test [-- WORDS]: only the files whose path holds one of the words.

interface Suite {
  readonly name: string;
  readonly pattern: string;
  /** Files at the same time. */
  readonly concurrency: number;
  /**
   * What its tests start: nothing, the command as it is published, or virtual machines, which are also handed tests of
   * other files.
   */
  readonly starts?: 'command' | 'machines';
}

const SUITES: readonly Suite[] = [
  { name: 'pure', pattern: 'src/**/*.test.ts', concurrency: 2 },
  { name: 'across stages', pattern: 'test/*.test.ts', concurrency: 2 },
  { name: 'command line', pattern: 'test/cli/*.test.ts', concurrency: 2, starts: 'command' },
  // They wait most of the time: for packets that do not come, and for grace periods.
  { name: 'kernel', pattern: 'test/kernel/!(hammer).test.ts', concurrency: 2, starts: 'command' },
  // An emulated machine keeps one processor busy: one of each kernel, side by side.
  { name: 'virtual machines', pattern: 'test/machines/!(hammer).test.ts', concurrency: 2, starts: 'machines' },
  // Its clients send as fast as they can: it shares the processors with nobody.
  { name: 'the hammer', pattern: 'test/{kernel,machines}/hammer.test.ts', concurrency: 1, starts: 'machines' },
];

/** How many of the slowest tests are named. */
const NAMED = 10;

interface Counts {
  tests: number;
  suites: number;
  passed: number;
  failed: number;
  cancelled: number;
  skipped: number;
  todo: number;
}

interface Timed {
  readonly name: string;
  readonly seconds: number;
}

const words = process.argv.slice(2);
const isAsked = (file: string): boolean => words.length === 0 || words.some((word) => file.includes(word));
/** A machine's suite also runs tests of other files. */
const runsRows = (file: string): boolean =>
  MACHINE_SUITES.some((suite) => suite.file === file && rowsAsked(suite, words).length > 0);

const filesOf = ({ pattern }: Suite): readonly string[] =>
  globSync(pattern)
    .toSorted()
    .filter((file) => isAsked(file) || runsRows(file));

const suites = SUITES.map((suite) => ({ ...suite, files: filesOf(suite) })).filter(({ files }) => files.length > 0);
const start = (what: Suite['starts']): boolean => suites.some(({ starts }) => starts === what);

// Once for all: a machine that runs must not see these files change.
if (start('command')) await publishForAll();
if (start('machines')) await publishForMachines();
if (words.length > 0) process.env['PORTCULLIS_TEST_WORDS'] = words.join('\n');

const total: Counts = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
const tests: Timed[] = [];
const taken: Timed[] = [];
/** Why tests did not run. */
const skipped: string[] = [];
/** How deep the test lay that was told last, by file. */
const depth = new Map<string | undefined, number>();
const begin = performance.now();
const secondsSince = (then: number): number => (performance.now() - then) / 1000;
const place = (file: string | undefined): string => (file ?? '').replace(`${process.cwd()}/`, '');

for (const { name, files, concurrency } of suites) {
  console.log(`\n── ${name}: ${files.length} files`);
  const began = performance.now();
  const events = run({ files, concurrency });
  events.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return;
    for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += (counts as unknown as Counts)[key];
  });
  for (const verdict of ['test:pass', 'test:fail'] as const)
    events.on(verdict, ({ name: test, file, nesting, skip, details }) => {
      if (skip !== undefined && skip !== false) skipped.push(`${place(file)}: ${test}: ${skip === true ? '' : skip}`);
      // A test with tests in it is told after these, and is no more than they are.
      const isLeaf = (depth.get(file) ?? 0) <= nesting;
      depth.set(file, nesting);
      if (isLeaf && details.type === 'test')
        tests.push({ name: `${place(file)}: ${test}`, seconds: details.duration_ms / 1000 });
    });
  const report = events.compose(spec);
  report.pipe(process.stdout, { end: false });
  await finished(report);
  taken.push({ name: `${name}, ${files.length} files`, seconds: secondsSince(began) });
}

const list = (title: string, lines: readonly string[]): void => {
  if (lines.length > 0) console.log([`\n── ${title}`, ...lines].join('\n'));
};
const timed = ({ name, seconds }: Timed): string => `${seconds.toFixed(1).padStart(7)}  ${name}`;
list('not run', skipped);
list('seconds of each suite', taken.map(timed));
list(
  `seconds of the slowest ${NAMED} tests`,
  tests
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, NAMED)
    .map(timed),
);

// The closing lines of node:test, over all suites.
console.log('');
console.log(`ℹ tests ${total.tests}`);
console.log(`ℹ suites ${total.suites}`);
console.log(`ℹ pass ${total.passed}`);
console.log(`ℹ fail ${total.failed}`);
console.log(`ℹ cancelled ${total.cancelled}`);
console.log(`ℹ skipped ${total.skipped}`);
console.log(`ℹ todo ${total.todo}`);
console.log(`ℹ duration_ms ${(performance.now() - begin).toFixed(3)}`);
const mustNotSkip = process.env['CI'] === 'true' && skipped.length > 0;
if (mustNotSkip) console.log('skipped tests count as failures where CI=true');
process.exitCode = total.failed + total.cancelled > 0 || total.tests === 0 || mustNotSkip ? 1 : 0;
