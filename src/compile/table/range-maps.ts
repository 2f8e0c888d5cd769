import { PROTOCOLS, type Protocol } from '../../net/protocol.ts';
import type { MapElement } from '../../ruleset/values/map-element.ts';
import { verdictElements, type Table, type VerdictMap } from '../../ruleset/table.ts';
import type { NameSet } from './address-chain.ts';
import { changedKeys } from './changed-keys.ts';
import { rangeMapsIn } from './installed.ts';
import { rangesMap } from './names.ts';

/**
 * The maps of port ranges, one for each protocol that has any. A map in use never changes, like the sets of addresses:
 * one that is wrong gets a successor.
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
      const stored = name === undefined ? undefined : current?.sets.get(name);
      const { gone, added } = changedKeys(verdictElements(stored), elements);
      // One of an earlier form has other keys.
      const stays = gone.length === 0 && added.length === 0;
      const map: VerdictMap = {
        kind: 'verdict-map',
        name: stays && name !== undefined ? name : nameSet(rangesMap(protocol)),
        types: ['inet_service', 'inet_service'],
        interval: true,
        counted: false,
        elements,
      };
      return [[protocol, map] as const];
    }),
  );
};
