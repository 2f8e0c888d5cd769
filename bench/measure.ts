import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** One line about the machine and what else it does, so that figures can be judged. */
export const machine = (): string => {
  const [first] = cpus();
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} x ${first?.model.trim() ?? 'unknown processor'}, ${gigabytes} GiB, Linux ${release()}, Node ${process.version}, load ${(loadavg()[0] ?? 0).toFixed(1)}`;
};

/** The middle of some numbers; of an even number of them the mean of the middle two. */
export const median = (list: readonly number[]): number => {
  const sorted = list.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low, high] = [sorted[half - 1] ?? NaN, sorted[half] ?? NaN];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
};

/** A ratio with the interval in which 95 of 100 resamples of its rounds lie. */
export interface Ratio {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

/** Numbers from 0 to 1 that are the same in every run, so that an interval can be computed again. */
const sequence = (): (() => number) => {
  let state = 0x9e3779b9;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    return state / 2 ** 32;
  };
};

const RESAMPLES = 2000;

/** The median of ratios, one for each round, with its bootstrap interval. */
export const ratioOf = (ratios: readonly number[]): Ratio => {
  const random = sequence();
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(ratios.map(() => ratios[Math.floor(random() * ratios.length)] ?? NaN)),
  ).toSorted((a, b) => a - b);
  return {
    middle: median(ratios),
    low: medians[Math.floor(RESAMPLES * 0.025)] ?? NaN,
    high: medians[Math.floor(RESAMPLES * 0.975)] ?? NaN,
  };
};

/** What two sides took in rounds A B B A, each round's sums together. */
export interface Rounds {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** Runs both sides in turn, A B B A, so that what drifts meets both alike. Each side returns what it measured. */
export const interleaved = async (
  rounds: number,
  a: () => Promise<number> | number,
  b: () => Promise<number> | number,
): Promise<Rounds> => {
  const [listA, listB]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const first = await a();
    const second = (await b()) + (await b());
    listA.push((first + (await a())) / 2);
    listB.push(second / 2);
  }
  return { a: listA, b: listB };
};

/** `b` over `a`, round by round. */
export const ratioOfRounds = ({ a, b }: Rounds): Ratio => ratioOf(b.map((value, index) => value / (a[index] ?? NaN)));

/** Milliseconds that something takes. */
export const timed = async (work: () => unknown): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/**
 * Milliseconds of processor time of this process that something takes: what others do on the machine does not count.
 */
export const processorTime = (work: () => unknown): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

/** Ticks of /proc (proc(5), sysconf(_SC_CLK_TCK)): 100 a second on every Linux that Node runs on. */
const MS_PER_TICK = 10;

/**
 * Milliseconds of processor time of the child processes that something starts and waits for (proc(5), cutime and
 * cstime).
 */
export const childrenTime = (work: () => unknown): number => {
  const ticks = (): number => {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[13]) + Number(fields[14]);
  };
  const before = ticks();
  work();
  return (ticks() - before) * MS_PER_TICK;
};

export const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
/** The middle of some times, and the least: what it takes when nobody else uses the machine. */
export const middleAndLeast = (list: readonly number[]): string =>
  `${milliseconds(median(list))}  (least: ${milliseconds(Math.min(...list))})`;
export const printRatio = ({ middle, low, high }: Ratio): string =>
  `${middle.toFixed(3)}  (95%: ${low.toFixed(3)} to ${high.toFixed(3)})`;

/** One line of a report: what, how much, and the target where there is one. */
export const line = (what: string, value: string, target?: string, met?: boolean): void => {
  const judged = target === undefined ? '' : `   target ${target}: ${met === true ? 'met' : 'MISSED'}`;
  console.log(`  ${what.padEnd(58)} ${value}${judged}`);
};
