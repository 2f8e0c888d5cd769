import type { Protocol } from '../net/protocol.ts';
import { PROTOCOL_NUMBER, PROTOCOLS } from '../net/protocol.ts';
import type { Family } from '../net/family.ts';
import type { Interval, Table } from '../ruleset/table.ts';
import type { IntervalPair } from './interval-pair.ts';
import { EXPOSURES, pairNames, RANGES, VIPS } from './names.ts';
import { treatmentIn, type Treatments, type Treatment } from './treatment.ts';

/** What each exposure chain does now, for the protocols whose keys lead to it: chain name → protocol → treatment. */
export type Installed = ReadonlyMap<string, Treatments>;

const protocolOf = (number: bigint): Protocol | null =>
  PROTOCOLS.find((protocol) => BigInt(PROTOCOL_NUMBER[protocol]) === number) ?? null;

/** Reads the exposures that a listed table judges. A chain that was changed by hand counts as not installed for that protocol. */
export const installedIn = (table: Table | null): Installed => {
  const installed = new Map<string, Map<Protocol, Treatment>>();
  const maps: readonly (readonly [string, Protocol | null])[] = [
    ...[EXPOSURES, VIPS[4], VIPS[6]].map((name) => [name, null] as const),
    ...PROTOCOLS.flatMap((protocol) => RANGES[protocol].map((name) => [name, protocol] as const)),
  ];
  for (const [name, only] of maps) {
    const map = table?.sets.get(name);
    if (map?.kind !== 'verdict-map') continue;
    for (const { key, verdict } of map.elements) {
      const number = key.at(-2);
      const protocol = only ?? (number?.kind === 'range' ? protocolOf(number.first) : null);
      const chain = verdict.kind === 'goto' ? table?.chains.get(verdict.chain) : undefined;
      const treatment = protocol === null || chain === undefined ? null : treatmentIn(chain, protocol);
      if (protocol === null || chain === undefined || treatment === null) continue;
      const treatments = installed.get(chain.name) ?? new Map<Protocol, Treatment>();
      installed.set(chain.name, treatments.set(protocol, treatment));
    }
  }
  return installed;
};

const intervalsIn = (table: Table | null, name: string): readonly Interval[] | null => {
  const set = table?.sets.get(name);
  return set?.kind === 'addresses' ? set.intervals : null;
};

/** The stored pair of a stem, or null where one of its sets is missing. */
export const pairIn = (table: Table | null, stem: string, family: Family): IntervalPair | null => {
  const { a, b } = pairNames(stem, family);
  const [first, second] = [intervalsIn(table, a), intervalsIn(table, b)];
  return first === null || second === null ? null : { a: first, b: second };
};
