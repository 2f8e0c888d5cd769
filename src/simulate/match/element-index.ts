import { emptySet, setOfRanges, type PrefixSet } from '../../net/prefix-set.ts';
import type { Family } from '../../net/family.ts';
import type { Value } from '../../ruleset/values/data-type.ts';

/** What a field holds for a packet: a number, a name, several names (flags). */
export type Point = bigint | string | readonly string[];

/** Whether a value that a rule names covers what a field holds. */
export const covers = (value: Value, point: Point): boolean => {
  if (typeof point === 'bigint') return value.kind === 'range' && value.first <= point && point <= value.last;
  if (typeof point === 'string')
    return value.kind === 'symbol' ? value.name === point : value.kind === 'wildcard' && point.startsWith(value.name);
  return point.some((one) => covers(value, one));
};

/** Something with a key of several values. */
interface Keyed {
  readonly key: readonly Value[];
}

interface Index<E extends Keyed> {
  /** Elements whose other parts are single values, by those. */
  readonly exact: ReadonlyMap<string, readonly E[]>;
  readonly others: readonly E[];
}

const isSingle = (value: Value): boolean =>
  value.kind === 'symbol' || (value.kind === 'range' && value.first === value.last);

const text = (value: Value): string => (value.kind === 'range' ? value.first.toString() : value.name);

const indexes = new WeakMap<readonly Keyed[], Map<number, Index<Keyed>>>();

/** One place of the key may stay open (-1: none): the elements are found by the others. */
const indexOf = <E extends Keyed>(elements: readonly E[], open: number): Index<E> => {
  const byOpen = indexes.get(elements) ?? new Map<number, Index<Keyed>>();
  indexes.set(elements, byOpen);
  const known = byOpen.get(open) as Index<E> | undefined;
  if (known !== undefined) return known;
  const exact = new Map<string, E[]>();
  const others: E[] = [];
  for (const element of elements) {
    if (!element.key.every((value, index) => index === open || isSingle(value))) {
      others.push(element);
      continue;
    }
    const name = element.key.map((value, index) => (index === open ? '' : text(value))).join(' ');
    const same = exact.get(name);
    if (same === undefined) exact.set(name, [element]);
    else same.push(element);
  }
  const index = { exact, others };
  byOpen.set(open, index);
  return index;
};

const fits = (key: readonly Value[], points: readonly (Point | null | undefined)[]): boolean =>
  key.every((value, index) => {
    const point = points[index];
    return point === null || point === undefined || covers(value, point);
  });

/** The elements that a key finds. `null` in the key leaves that place open: every element whose other parts fit. */
export const findElements = <E extends Keyed>(elements: readonly E[], key: readonly (Point | null)[]): readonly E[] => {
  // Several names at once (flags) fit any of them.
  if (key.some((point) => typeof point === 'object' && point !== null))
    return elements.filter((element) => fits(element.key, key));
  const { exact, others } = indexOf(elements, key.indexOf(null));
  const name = key.map((point) => (point === null ? '' : point.toString())).join(' ');
  const found = exact.get(name) ?? [];
  if (others.length === 0) return found;
  const more = others.filter((element) => fits(element.key, key));
  return more.length === 0 ? found : [...found, ...more];
};

/** Whether a key could find an element; what is undefined in it could be anything. */
export const couldFind = (elements: readonly Keyed[], key: readonly (Point | null | undefined)[]): boolean =>
  elements.some((element) => fits(element.key, key));

const setsOfValues = new WeakMap<readonly Value[], Map<Family, PrefixSet>>();

/** The addresses that the values name, computed once. */
export const addressesOf = (values: readonly Value[], family: Family): PrefixSet => {
  const byFamily = setsOfValues.get(values) ?? new Map<Family, PrefixSet>();
  setsOfValues.set(values, byFamily);
  const known = byFamily.get(family);
  if (known !== undefined) return known;
  const last = family === 4 ? 0xffff_ffffn : (1n << 128n) - 1n;
  const ranges = values.flatMap((value) => (value.kind === 'range' && value.first <= last ? [value] : []));
  const set =
    ranges.length === 0
      ? emptySet(family)
      : setOfRanges(
          family,
          ranges.map((value) => ({ first: value.first, last: value.last > last ? last : value.last })),
        );
  byFamily.set(family, set);
  return set;
};

/** The addresses that some elements hold at one place of their keys. */
export const addressesAt = (elements: readonly Keyed[], place: number, family: Family): PrefixSet => {
  const byPlace = valuesAtPlaces.get(elements) ?? new Map<number, readonly Value[]>();
  valuesAtPlaces.set(elements, byPlace);
  const values = byPlace.get(place) ?? elements.flatMap(({ key }) => key[place] ?? []);
  byPlace.set(place, values);
  return addressesOf(values, family);
};

/** One list of values for one list of elements, so that the addresses of a large set are put together once. */
const valuesAtPlaces = new WeakMap<readonly Keyed[], Map<number, readonly Value[]>>();
