import { exposureId } from '../../access/exposures.ts';
import { PROTOCOLS } from '../../net/protocol.ts';
import type { Service } from '../../policy/model.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { UnnamedExposure, FoundExposure } from './found.ts';
import { ofDnat } from './of-dnat.ts';
import { ofKubeProxy } from './of-kube-proxy.ts';
import { ofVirtualServers } from './of-ipvs.ts';
import { ofListeners } from './of-listeners.ts';
import { ofService } from './of-services.ts';

export type { FoundExposure } from './found.ts';

/**
 * What a node answers on, by its own rules and sockets and by the Services given; of those with the same id the first
 * counts, which tells most.
 */
export const findExposures = (ruleset: Ruleset, services: readonly Service[] = []): readonly FoundExposure[] => {
  const found: readonly UnnamedExposure[] = [
    ...ofKubeProxy(ruleset),
    ...ofVirtualServers(ruleset),
    ...services.flatMap(ofService),
    ...ruleset.tables.flatMap(ofDnat),
    ...ofListeners(ruleset),
  ];
  const byId = new Map<string, FoundExposure>();
  for (const exposure of found) {
    const id = exposureId(exposure.address, { first: exposure.port, last: exposure.port }, exposure.protocol);
    const key = `${id} IPv${exposure.family}`;
    if (!byId.has(key)) byId.set(key, { id, ...exposure });
  }
  return [...byId.values()].sort(
    (a, b) =>
      Number(a.address !== null) - Number(b.address !== null) ||
      a.port - b.port ||
      PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol) ||
      a.family - b.family,
  );
};
