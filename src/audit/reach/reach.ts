import type { Address } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { PROTOCOL_NUMBER } from '../../net/protocol.ts';
import {
  difference,
  EVERY_ADDRESS,
  intersection,
  isEmpty,
  NO_ADDRESS,
  union,
  type PrefixSet,
} from '../../net/prefix-set.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { Entry, PacketSet } from '../../simulate/state/packet-set.ts';
import { placeKey, type Place } from '../../simulate/state/place.ts';
import { evaluate, type Leaf, type SimulateOptions } from '../../simulate/simulate.ts';
import type { FoundExposure } from '../exposures/find-exposures.ts';

/** Sources for which the same rule decides the same. */
export interface ReachPart {
  readonly sources: PrefixSet;
  readonly reached: 'yes' | 'no' | 'maybe';
  readonly result: Leaf['outcome']['result'];
  readonly decidedBy: Place;
  /** Where it is maybe: the rules and variables on which it depends. */
  readonly separatedBy: readonly Place[];
  /** The source that the receiver sees is not the client's. */
  readonly hidden: boolean;
}

/** Who can reach one exposure by one entry (semantics: may and must). */
export interface Reach {
  readonly exposure: FoundExposure;
  readonly entry: Entry;
  readonly destination: Address;
  readonly may: PrefixSet;
  readonly must: PrefixSet;
  /** They cover the whole family, each address once. */
  readonly parts: readonly ReachPart[];
}

/** The first packet of a connection to an exposure, from anybody. */
export const probeOf = (exposure: FoundExposure, destination: Address, entry: Entry): PacketSet => ({
  family: exposure.family,
  sources: EVERY_ADDRESS[exposure.family],
  destination: destination.value,
  protocol: PROTOCOL_NUMBER[exposure.protocol],
  sourcePort: null,
  destinationPort: exposure.port,
  entry,
  state: 'new',
  direction: 'original',
  fields: new Map(),
});

/** Delivered to a backend; sockets of the node count where they are what is exposed. */
const reaches = ({ outcome }: Leaf, { kind }: FoundExposure): boolean =>
  outcome.result === 'delivered' ||
  (outcome.result === 'local' && outcome.listener !== false && (kind === 'HealthCheck' || kind === 'HostPort'));

interface Cell {
  readonly sources: PrefixSet;
  readonly leaves: readonly Leaf[];
}

/**
 * Cuts the address space where leaves begin and end: in each cell every source has the same leaves. Most leaves share
 * no source with any other, so what is not covered yet is kept apart: those become a cell at once.
 */
const cellsOf = (leaves: readonly Leaf[], family: Family): readonly Cell[] => {
  let cells: readonly Cell[] = [];
  let rest = EVERY_ADDRESS[family];
  const bySources = new Map<PrefixSet, Leaf[]>();
  for (const leaf of leaves) {
    const same = bySources.get(leaf.sources);
    if (same === undefined) bySources.set(leaf.sources, [leaf]);
    else same.push(leaf);
  }
  const fresh: Cell[] = [];
  for (const [sources, group] of bySources) {
    const met = difference(sources, rest);
    const added = isEmpty(met) ? sources : difference(sources, met);
    if (!isEmpty(met)) {
      cells = [...cells, ...fresh.splice(0)].flatMap((cell) => {
        const inside = intersection(cell.sources, met);
        if (isEmpty(inside)) return [cell];
        const outside = difference(cell.sources, met);
        const hit = { sources: inside, leaves: [...cell.leaves, ...group] };
        return isEmpty(outside) ? [hit] : [hit, { sources: outside, leaves: cell.leaves }];
      });
    }
    if (isEmpty(added)) continue;
    fresh.push({ sources: added, leaves: group });
    rest = difference(rest, added);
  }
  return [...cells, ...fresh];
};

const distinct = (places: readonly Place[]): readonly Place[] => [
  ...new Map(places.map((place) => [placeKey(place), place])).values(),
];

const partOf = ({ sources, leaves }: Cell, exposure: FoundExposure): ReachPart | null => {
  const unknown = leaves.filter(({ outcome }) => outcome.result === 'unknown');
  const hits = leaves.filter((leaf) => reaches(leaf, exposure));
  const misses = leaves.filter((leaf) => leaf.outcome.result !== 'unknown' && !reaches(leaf, exposure));
  // What nobody can tell may end either way.
  const reached =
    unknown.length > 0 || (hits.length > 0 && misses.length > 0) ? 'maybe' : hits.length > 0 ? 'yes' : 'no';
  const [first] = reached === 'no' ? misses : [...hits, ...unknown];
  if (first === undefined) return null;
  return {
    sources,
    reached,
    result: first.outcome.result,
    decidedBy: (misses[0] ?? first).outcome.decidedBy,
    separatedBy:
      reached === 'maybe'
        ? distinct([
            ...leaves.flatMap(({ outcome, chances }) => [...outcome.assuming.map(({ at }) => at), ...chances]),
            ...unknown.map(({ outcome }) => outcome.decidedBy),
          ])
        : [],
    hidden: hits.some(({ outcome }) => outcome.source !== null),
  };
};

const sameDecision = (a: ReachPart): string =>
  [a.reached, a.result, placeKey(a.decidedBy), a.hidden, ...a.separatedBy.map(placeKey)].join('|');

/** Parts that the same rule decides alike become one. */
const merged = (parts: readonly ReachPart[]): readonly ReachPart[] => {
  const byDecision = new Map<string, ReachPart>();
  for (const part of parts) {
    const key = sameDecision(part);
    const known = byDecision.get(key);
    byDecision.set(key, known === undefined ? part : { ...part, sources: union(known.sources, part.sources) });
  }
  return [...byDecision.values()];
};

/** Asks for every source at once who can reach an exposure by an entry. */
export const reachOf = (
  ruleset: Ruleset,
  exposure: FoundExposure,
  destination: Address,
  entry: Entry,
  options: SimulateOptions = {},
): Reach => {
  const { family } = exposure;
  const leaves = evaluate(ruleset, probeOf(exposure, destination, entry), options);
  const parts = merged(
    cellsOf(leaves, family).flatMap((cell) => {
      const part = partOf(cell, exposure);
      return part === null ? [] : [part];
    }),
  );
  const sourcesOf = (wanted: readonly ReachPart['reached'][]): PrefixSet =>
    parts
      .filter(({ reached }) => wanted.includes(reached))
      .reduce((sum, { sources }) => union(sum, sources), NO_ADDRESS[family]);
  return {
    exposure,
    entry,
    destination,
    may: sourcesOf(['yes', 'maybe']),
    must: sourcesOf(['yes']),
    parts,
  };
};
