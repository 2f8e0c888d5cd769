import { FAMILIES, LAST, WIDTH, type Family } from '../src/net/family.ts';
import { networkOf, type Prefix } from '../src/net/prefix.ts';
import {
  complement,
  difference,
  emptySet,
  intersection,
  setOfPrefixes,
  union,
  type PrefixSet,
} from '../src/net/prefix-set.ts';
import { line, median, milliseconds, processorTime } from './measure.ts';

const random = (family: Family, count: number, seed: number): readonly Prefix[] => {
  let state = seed;
  const word = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return BigInt(state);
  };
  return Array.from({ length: count }, (_, index) => {
    let value = word();
    while (value <= LAST[family] >> 32n) value = (value << 32n) | word();
    return networkOf({ family, value: value & LAST[family] }, WIDTH[family] - (index % 12));
  });
};

const middle = (work: () => unknown): number => median(Array.from({ length: 5 }, () => processorTime(work)));

/** What sets of a million prefixes take, and how their operations grow. */
const MILLION = 1_000_000;
for (const family of FAMILIES) {
  const prefixes = random(family, MILLION, 7);
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let built = emptySet(family);
  const ms = processorTime(() => {
    built = setOfPrefixes(family, prefixes);
  });
  const megabytes = (process.memoryUsage().rss - before) / 2 ** 20;
  line(`IPv${family}: a set of 1,000,000 random prefixes is built`, milliseconds(ms), '< 2000 ms', ms < 2000);
  line('  memory beside the list of prefixes', `${megabytes.toFixed(0)} MiB`, '< 300 MiB', megabytes < 300);
  const other = setOfPrefixes(family, random(family, MILLION, 8));
  const small: readonly PrefixSet[] = [
    setOfPrefixes(family, random(family, 100_000, 7)),
    setOfPrefixes(family, random(family, 100_000, 8)),
  ];
  const operations = { union, intersection, difference, complement: (a: PrefixSet) => complement(a) };
  for (const [name, operation] of Object.entries(operations)) {
    const [a, b] = [small[0] ?? built, small[1] ?? other];
    const [little, much] = [middle(() => operation(a, b)), middle(() => operation(built, other))];
    const growth = much / little / ((built.size + other.size) / (a.size + b.size));
    line(`  ${name}`, `${milliseconds(much)}, ${growth.toFixed(2)} x linear growth from 100,000`);
  }
}
