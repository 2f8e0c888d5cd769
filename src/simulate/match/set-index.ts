import type { Family } from '../../net/family.ts';
import { setOfRanges, type PrefixSet } from '../../net/prefix-set.ts';
import { valueText, type Value } from '../../ruleset/values/data-type.ts';
import type { MapElement } from '../../ruleset/values/map-element.ts';
import type { AddressSetObject, Interval } from '../../ruleset/table.ts';

const contents = new WeakMap<readonly Interval[], PrefixSet>();

/** The addresses of a stored set, computed once. */
export const contentOf = (set: AddressSetObject): PrefixSet => {
  const known = contents.get(set.intervals);
  if (known !== undefined) return known;
  const family: Family = set.type === 'ipv4_addr' ? 4 : 6;
  const content = setOfRanges(family, set.intervals);
  contents.set(set.intervals, content);
  return content;
};

const keyText = (key: readonly Value[]): string =>
  key.map((value) => (value.kind === 'range' ? value.first.toString() : valueText(value))).join(' ');

interface Index {
  readonly exact: ReadonlyMap<string, MapElement>;
  readonly others: readonly MapElement[];
}
const indexes = new WeakMap<readonly MapElement[], Index>();

const indexOf = (elements: readonly MapElement[]): Index => {
  const known = indexes.get(elements);
  if (known !== undefined) return known;
  const exact = new Map<string, MapElement>();
  const others: MapElement[] = [];
  for (const element of elements) {
    const isExact = element.key.every(
      (value) => value.kind === 'symbol' || (value.kind === 'range' && value.first === value.last),
    );
    if (isExact) exact.set(keyText(element.key), element);
    else others.push(element);
  }
  const index = { exact, others };
  indexes.set(elements, index);
  return index;
};

/** Whether a point value is the value or in the range of another. */
export const covers = (value: Value, point: Value): boolean =>
  value.kind === 'range'
    ? point.kind === 'range' && value.first <= point.first && point.last <= value.last
    : point.kind === 'symbol' &&
      (value.kind === 'symbol' ? value.name === point.name : point.name.startsWith(value.name));

/** The element that a key of point values finds. */
export const find = (elements: readonly MapElement[], key: readonly Value[]): MapElement | null => {
  const { exact, others } = indexOf(elements);
  return (
    exact.get(keyText(key)) ??
    others.find((element) =>
      element.key.every((value, index) => key[index] !== undefined && covers(value, key[index])),
    ) ??
    null
  );
};
