import { LAST, WIDTH, type Family } from './family.ts';
import type { Prefix, Range } from './prefix.ts';
import { compareWords, readWords, sortWords, WORDS, writeNext, writeWords } from './words.ts';

/**
 * A set of addresses of one family. Canonical: two sets hold the same addresses exactly when they are stored alike.
 * Stored as the ascending addresses at which membership changes, beginning with "not in it"; an odd number of them
 * means that the set reaches up to the last address.
 */
export interface PrefixSet {
  readonly family: Family;
  /** Number of ranges; neighbouring ranges are one. */
  readonly size: number;
  /** Packed (see words.ts). */
  readonly changes: Uint32Array;
}

const make = (family: Family, changes: Uint32Array): PrefixSet => ({
  family,
  size: Math.ceil(changes.length / WORDS[family] / 2),
  changes,
});

/** No address. */
export const emptySet = (family: Family): PrefixSet => make(family, new Uint32Array(0));

/** Every address of the family. */
export const fullSet = (family: Family): PrefixSet => make(family, new Uint32Array(WORDS[family]));

/** No address, and every address, of each family: one object each, so that what was computed for it is found again. */
export const NO_ADDRESS: Readonly<Record<Family, PrefixSet>> = { 4: emptySet(4), 6: emptySet(6) };
export const EVERY_ADDRESS: Readonly<Record<Family, PrefixSet>> = { 4: fullSet(4), 6: fullSet(6) };

/** The addresses of some ranges, in any order and overlapping as they like. All must be of `family`. */
export const setOfRanges = (family: Family, ranges: Iterable<Pick<Range, 'first' | 'last'>>): PrefixSet => {
  const words = WORDS[family];
  const list = Array.isArray(ranges) ? (ranges as readonly Range[]) : [...ranges];
  const starts = new Uint32Array(list.length * words);
  const ends = new Uint32Array(list.length * words);
  let closed = 0;
  for (let index = 0; index < list.length; index++) {
    const { first, last } = list[index] ?? { first: 0n, last: 0n };
    writeWords(starts, words, index, first);
    if (last !== LAST[family]) writeWords(ends, words, closed++, last + 1n);
  }
  return make(family, cover(sortWords(starts, words), sortWords(ends.subarray(0, closed * words), words), words));
};

/** Where the number of open ranges becomes one and where it becomes zero; starts go first, so that neighbours merge. */
const cover = (starts: Uint32Array, ends: Uint32Array, words: number): Uint32Array => {
  const changes = new Uint32Array(starts.length + ends.length);
  const [allStarts, allEnds] = [starts.length / words, ends.length / words];
  let [i, j, open, used] = [0, 0, 0, 0];
  while (i < allStarts || j < allEnds) {
    if (i < allStarts && (j >= allEnds || compareWords(starts, i, ends, j, words) <= 0)) {
      if (open++ === 0) used = push(changes, used, starts, i, words);
      i++;
    } else {
      if (--open === 0) used = push(changes, used, ends, j, words);
      j++;
    }
  }
  return changes.slice(0, used * words);
};

const push = (to: Uint32Array, used: number, from: Uint32Array, index: number, words: number): number => {
  for (let word = 0; word < words; word++) to[used * words + word] = from[index * words + word] ?? 0;
  return used + 1;
};

/**
 * The addresses of some prefixes, in any order and overlapping as they like. All must be of `family`. Written word by
 * word: a million prefixes would leave millions of big numbers behind.
 */
export const setOfPrefixes = (family: Family, prefixes: Iterable<Prefix>): PrefixSet => {
  const words = WORDS[family];
  const list = Array.isArray(prefixes) ? (prefixes as readonly Prefix[]) : [...prefixes];
  const starts = new Uint32Array(list.length * words);
  const ends = new Uint32Array(list.length * words);
  let closed = 0;
  for (let index = 0; index < list.length; index++) {
    const prefix = list[index];
    if (prefix === undefined) continue;
    writeWords(starts, words, index, prefix.address);
    if (writeNext(ends, closed, starts, index, words, prefix.length)) closed++;
  }
  return make(family, cover(sortWords(starts, words), sortWords(ends.subarray(0, closed * words), words), words));
};

/**
 * Whether an address belongs to the result, by "in a" (bit 1) and "in b" (bit 0): four bits, one for each case; none
 * for "in neither".
 */
type TruthTable = number;
const OR: TruthTable = 0b1110;
const AND: TruthTable = 0b1000;
const AND_NOT: TruthTable = 0b0100;

/**
 * Where results of up to tens of thousands of ranges are put together before they are cut to size: one place for all,
 * because it is never read afterwards. Half a megabyte: a place of their own would be new memory each time, with a page
 * fault for every 4 KiB.
 */
const scratch = new Uint32Array(2 ** 17);

/**
 * One pass over both lists of changes, a stretch of one between two changes of the other at a time: a few ranges beside
 * many cost little more than a copy.
 */
const combine = (a: PrefixSet, b: PrefixSet, table: TruthTable): PrefixSet => {
  const words = WORDS[a.family];
  const [listA, listB] = [a.changes, b.changes];
  const [countA, countB] = [listA.length / words, listB.length / words];
  const most = listA.length + listB.length;
  // The place of a large one goes with it: a set of a million ranges would keep a hundred megabytes otherwise.
  const out = most <= scratch.length ? scratch : new Uint32Array(most);
  let [i, j, used, inside] = [0, 0, 0, 0];
  while (i < countA || j < countB) {
    const order = i >= countA ? 1 : j >= countB ? -1 : compareWords(listA, i, listB, j, words);
    if (order === 0) {
      const now = (table >> (((++i & 1) << 1) | (++j & 1))) & 1;
      if (now !== inside) used = push(out, used, listA, i - 1, words);
      inside = now;
      continue;
    }
    const fromA = order < 0;
    const from = fromA ? i : j;
    const [other, step] = fromA ? [j & 1, 2] : [(i & 1) << 1, 1];
    if (fromA) i = j < countB ? firstNotBelow(listA, i + 1, countA, listB, j, words) : countA;
    else j = i < countA ? firstNotBelow(listB, j + 1, countB, listA, i, words) : countB;
    // Between two changes of the other side the result follows this side, or it does not change.
    if ((((table >> other) ^ (table >> (other + step))) & 1) === 0) continue;
    used = fromA ? copy(out, used, listA, from, i, words) : copy(out, used, listB, from, j, words);
    inside = (table >> (((i & 1) << 1) | (j & 1))) & 1;
  }
  return make(a.family, out.slice(0, used * words));
};

const copy = (to: Uint32Array, used: number, list: Uint32Array, from: number, end: number, words: number): number => {
  // Below some twenty words the call costs more than the loop.
  if ((end - from) * words > 24) to.set(list.subarray(from * words, end * words), used * words);
  else for (let word = 0; word < (end - from) * words; word++) to[used * words + word] = list[from * words + word] ?? 0;
  return used + end - from;
};

/**
 * The first of a list's changes from `from` on that is not below the other list's `at`-th: in steps that double, then
 * by halves.
 */
const firstNotBelow = (
  list: Uint32Array,
  from: number,
  end: number,
  other: Uint32Array,
  at: number,
  words: number,
): number => {
  let low = from;
  let step = 1;
  while (low + step <= end && compareWords(list, low + step - 1, other, at, words) < 0) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step - 1, end);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareWords(list, middle, other, at, words) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Addresses in a or b. Linear in the number of ranges, as are all operations here. */
export const union = (a: PrefixSet, b: PrefixSet): PrefixSet => combine(a, b, OR);

/** Addresses in a and b. */
export const intersection = (a: PrefixSet, b: PrefixSet): PrefixSet => combine(a, b, AND);

/** Addresses in a and not in b. */
export const difference = (a: PrefixSet, b: PrefixSet): PrefixSet => combine(a, b, AND_NOT);

/** Addresses of the family that are not in a. */
export const complement = (a: PrefixSet): PrefixSet => {
  const words = WORDS[a.family];
  if (a.changes.length > 0 && a.changes.subarray(0, words).every((word) => word === 0))
    return make(a.family, a.changes.slice(words));
  const changes = new Uint32Array(a.changes.length + words);
  changes.set(a.changes, words);
  return make(a.family, changes);
};

/** Whether an address is in the set; logarithmic. */
export const contains = (set: PrefixSet, value: bigint): boolean => (changesUpTo(set, value) & 1) === 1;

/** Whether an address from `first` to `last` is in the set; logarithmic. */
export const meets = (set: PrefixSet, { first, last }: Pick<Range, 'first' | 'last'>): boolean => {
  const before = changesUpTo(set, first);
  return (before & 1) === 1 || changesUpTo(set, last) > before;
};

/** At how many addresses up to one the membership changes. */
const changesUpTo = ({ family, changes }: PrefixSet, value: bigint): number => {
  const words = WORDS[family];
  const probe = new Uint32Array(words);
  writeWords(probe, words, 0, value);
  let [low, high] = [0, changes.length / words];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareWords(changes, middle, probe, 0, words) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Whether every address of a is in b. */
export const isSubset = (a: PrefixSet, b: PrefixSet): boolean => isEmpty(difference(a, b));

/** Whether both hold the same addresses. */
export const equals = (a: PrefixSet, b: PrefixSet): boolean =>
  a === b ||
  (a.family === b.family &&
    a.changes.length === b.changes.length &&
    a.changes.every((word, index) => word === b.changes[index]));

export const isEmpty = ({ size }: PrefixSet): boolean => size === 0;

/** The ranges, upwards; neighbours are merged. */
export function* ranges({ family, size, changes }: PrefixSet): Generator<Range, void, undefined> {
  const words = WORDS[family];
  for (let index = 0; index < size; index++) {
    const end = (2 * index + 1) * words;
    yield {
      family,
      first: readWords(changes, words, 2 * index),
      last: end < changes.length ? readWords(changes, words, 2 * index + 1) - 1n : LAST[family],
    };
  }
}

/** Number of addresses. */
export const count = (set: PrefixSet): bigint => {
  let sum = 0n;
  for (const { first, last } of ranges(set)) sum += last - first + 1n;
  return sum;
};

/** The fewest prefixes that make up the set, upwards. */
export function* prefixes(set: PrefixSet): Generator<Prefix, void, undefined> {
  for (const range of ranges(set)) yield* prefixesOfRange(range);
}

/** The largest prefix that begins where the rest begins and does not reach beyond its end, again and again. */
function* prefixesOfRange({ family, first, last }: Range): Generator<Prefix, void, undefined> {
  const width = WIDTH[family];
  let start = first;
  while (start <= last) {
    const aligned = start === 0n ? width : trailingZeros(start);
    const fitting = bitLength(last - start + 1n) - 1;
    const hostBits = Math.min(aligned, fitting);
    yield { family, address: start, length: width - hostBits };
    start += 1n << BigInt(hostBits);
  }
}

const bitLength = (value: bigint): number => value.toString(2).length;
const trailingZeros = (value: bigint): number => bitLength(value & -value) - 1;
