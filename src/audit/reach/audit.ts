import type { Address } from '../../net/address.ts';
import { FAMILIES, type Family } from '../../net/family.ts';
import { equals } from '../../net/prefix-set.ts';
import type { Service } from '../../policy/model.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { Entry } from '../../simulate/state/packet-set.ts';
import type { SimulateOptions } from '../../simulate/simulate.ts';
import { nodeAddresses, outerInterfaces } from './entries.ts';
import { findExposures, type FoundExposure } from '../exposures/find-exposures.ts';
import { reachOf, type Reach } from './reach.ts';
import { serviceNames, withNames } from '../exposures/service-names.ts';

/** An exposure by one entry, with the other entries for which the same holds. */
export interface Audited extends Reach {
  readonly entriesSame: readonly Entry[];
}

export interface AuditOptions extends SimulateOptions {
  /** Interfaces; null: those by which the outside comes in. `node`: the node's own programs. */
  readonly entries: readonly string[] | null;
  /** Only these ports; null: all. */
  readonly ports: ReadonlySet<number> | null;
  /** Sockets and DNAT rules besides what kube-proxy exposes. */
  readonly all: boolean;
  /** Services as manifests have them: their names, and what they say that the node answers on. */
  readonly services?: readonly Service[];
}

const entryOf = (name: string): Entry => (name === 'node' ? { kind: 'node' } : { kind: 'interface', name });

const sameReach = (a: Reach, b: Reach): boolean => equals(a.may, b.may) && equals(a.must, b.must);

/**
 * For every exposure the exact set of sources that can reach it. Exposures whose node address no dump tells are left
 * out.
 */
export const auditRuleset = (
  ruleset: Ruleset,
  { entries, ports, all, services = [], ...options }: AuditOptions,
): readonly Audited[] => {
  const addresses = new Map<Family, readonly Address[]>(
    FAMILIES.map((family) => [family, nodeAddresses(ruleset.host, family)]),
  );
  const doors = new Map<Family, readonly Entry[]>(
    FAMILIES.map((family) => [family, (entries ?? outerInterfaces(ruleset.host, family)).map(entryOf)]),
  );
  const wanted = (exposure: FoundExposure): boolean =>
    (ports === null || ports.has(exposure.port)) && (all || exposure.kind !== 'HostPort');
  return withNames(findExposures(ruleset, services), serviceNames(services))
    .filter(wanted)
    .flatMap((exposure) => {
      const destination = exposure.address ?? addresses.get(exposure.family)?.[0];
      if (destination === undefined) return [];
      const found: Audited[] = [];
      for (const entry of doors.get(exposure.family) ?? []) {
        const reach = reachOf(ruleset, exposure, destination, entry, options);
        const same = found.findIndex((one) => sameReach(one, reach));
        const known = found[same];
        if (known === undefined) found.push({ ...reach, entriesSame: [] });
        else found[same] = { ...known, entriesSame: [...known.entriesSame, entry] };
      }
      return found;
    });
};
