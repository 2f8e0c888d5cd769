import { PROTOCOLS, type Protocol } from '../net/protocol.ts';
import { keyText, type MapElement } from '../ruleset/map-element.ts';
import type { Table, VerdictMap } from '../ruleset/table.ts';
import type { NameSet } from './address-chain.ts';
import { rangeMapsIn } from './installed.ts';
import { rangesMap } from './names.ts';

const leadsTo = ({ verdict }: MapElement): string => ('chain' in verdict ? verdict.chain : verdict.kind);
const text = (element: MapElement): string => `${keyText(element)} ${leadsTo(element)}`;

/**
 * The maps of port ranges, one for each protocol that has any. A map in use never changes, like the sets of addresses: one that is wrong
 * gets a successor.
 */
export const rangeMaps = (
  current: Table | null,
  wanted: (protocol: Protocol) => readonly MapElement[],
  nameSet: NameSet,
): ReadonlyMap<Protocol, VerdictMap> => {
  const inUse = rangeMapsIn(current);
  return new Map(
    PROTOCOLS.flatMap((protocol) => {
      const elements = wanted(protocol);
      if (elements.length === 0) return [];
      const name = inUse.get(protocol);
      const there = name === undefined ? undefined : current?.sets.get(name);
      const stored = new Set((there?.kind === 'verdict-map' ? there.elements : []).map(text));
      const stays = stored.size === elements.length && elements.every((element) => stored.has(text(element)));
      const map: VerdictMap = {
        kind: 'verdict-map',
        name: stays && name !== undefined ? name : nameSet(rangesMap(protocol)),
        types: ['inet_service'],
        interval: true,
        counted: false,
        elements,
      };
      return [[protocol, map] as const];
    }),
  );
};
