import type { Value } from '../ruleset/data-type.ts';
import type { MapElement } from '../ruleset/map-element.ts';
import type { Table } from '../ruleset/table.ts';

type Ports = Extract<Value, { kind: 'range' }>;

/** The ports of a range element; null for a key of another form. */
const portsOf = ({ key: [ports] }: MapElement): Ports | null => (ports?.kind === 'range' ? ports : null);

const stored = (current: Table | null, name: string): readonly MapElement[] => {
  const map = current?.sets.get(name);
  return map?.kind === 'verdict-map' ? map.elements : [];
};

const leadsTo = ({ verdict }: MapElement): string => (verdict.kind === 'goto' ? verdict.chain : verdict.kind);

const inside = (inner: Ports, outer: Ports): boolean => outer.first <= inner.first && inner.last <= outer.last;
const overlap = (a: Ports, b: Ports): boolean => a.first <= b.last && b.first <= a.last;

/** What remains of `ports` without `taken` (ascending, disjoint). */
const without = (ports: Ports, taken: readonly Ports[]): readonly Ports[] => {
  const rest: Ports[] = [];
  let next = ports.first;
  for (const { first, last } of taken) {
    if (first > next) rest.push({ kind: 'range', first: next, last: first - 1n });
    next = last + 1n;
  }
  return next <= ports.last ? [...rest, { kind: 'range', first: next, last: ports.last }] : rest;
};

/** `ports` cut at the ends of every element that it overlaps. */
const cut = (ports: Ports, at: readonly Ports[]): readonly Ports[] => {
  const starts = new Set([ports.first]);
  for (const other of at)
    for (const start of [other.first, other.last + 1n])
      if (start > ports.first && start <= ports.last) starts.add(start);
  const ordered = [...starts].sort((x, y) => (x < y ? -1 : 1));
  return ordered.map((first, index) => ({ kind: 'range', first, last: (ordered[index + 1] ?? ports.last + 1n) - 1n }));
};

const byKey = (x: MapElement, y: MapElement): number => {
  const [a, b] = [portsOf(x)?.first ?? 0n, portsOf(y)?.first ?? 0n];
  return a < b ? -1 : a > b ? 1 : 0;
};

/**
 * Distributes the guarded port ranges of a protocol over its two interval maps. What is stored and still right stays where it is; a new range that
 * overlaps a stored one goes to the other map, so that it can be added before the old one is taken away.
 */
export const placeRanges = (
  current: Table | null,
  names: readonly [a: string, b: string],
  wanted: readonly MapElement[],
): readonly [readonly MapElement[], readonly MapElement[]] => {
  const maps = names.map((name) => stored(current, name));
  const placed: [MapElement[], MapElement[]] = [[], []];
  for (const element of wanted) {
    const ports = portsOf(element);
    if (ports === null) continue;
    const kept = maps.map((elements) =>
      elements.filter((other) => {
        const there = portsOf(other);
        return there !== null && inside(there, ports) && leadsTo(other) === leadsTo(element);
      }),
    );
    kept.forEach((elements, index) => placed[index === 0 ? 0 : 1].push(...elements));
    const takenPorts = kept
      .flat()
      .flatMap((other) => portsOf(other) ?? [])
      .sort((x, y) => (x.first < y.first ? -1 : 1));
    const others = maps.map((elements) => elements.flatMap((other) => portsOf(other) ?? []));
    for (const gap of without(ports, takenPorts))
      for (const piece of cut(gap, others.flat())) {
        const freeInA = !(others[0] ?? []).some((other) => overlap(other, piece));
        placed[freeInA ? 0 : 1].push({ key: [piece], verdict: element.verdict });
      }
  }
  return [placed[0].sort(byKey), placed[1].sort(byKey)];
};
