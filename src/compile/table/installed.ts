import type { Protocol } from '../../net/protocol.ts';
import { PROTOCOL_NUMBER, PROTOCOLS } from '../../net/protocol.ts';
import type { Table } from '../../ruleset/table.ts';
import { EXPOSURES, isNumbered, PREROUTING, rangesMap, VIPS } from './names.ts';
import { treatmentIn, type Treatments, type Treatment } from './treatment.ts';

/** What each exposure chain does now, for the protocols whose keys lead to it: chain name → protocol → treatment. */
export type Installed = ReadonlyMap<string, Treatments>;

const protocolOf = (number: bigint): Protocol | null =>
  PROTOCOLS.find((protocol) => BigInt(PROTOCOL_NUMBER[protocol]) === number) ?? null;

/** The map of port ranges that the rules of a listed table look into, for each protocol that has one. */
export const rangeMapsIn = (table: Table | null): ReadonlyMap<Protocol, string> => {
  const named = (table?.chains.get(PREROUTING)?.rules ?? []).flatMap(({ statements: [first] }) =>
    first?.kind === 'vmap' && first.map.kind === 'named' ? [first.map.name] : [],
  );
  return new Map(
    PROTOCOLS.flatMap((protocol) => {
      const map = named.find((name) => isNumbered(name, rangesMap(protocol)));
      return map === undefined ? [] : [[protocol, map] as const];
    }),
  );
};

/** The maps that lead to exposure chains, each with its protocol where the key does not tell. */
export const judgingMaps = (table: Table | null): readonly (readonly [map: string, only: Protocol | null])[] => [
  ...[EXPOSURES, VIPS[4], VIPS[6]].map((name) => [name, null] as const),
  ...[...rangeMapsIn(table)].map(([protocol, name]) => [name, protocol] as const),
];

/**
 * Reads the exposures that a listed table judges. A chain that was changed by hand counts as not installed for that
 * protocol.
 */
export const installedIn = (table: Table | null): Installed => {
  const installed = new Map<string, Map<Protocol, Treatment>>();
  for (const [name, only] of judgingMaps(table)) {
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
