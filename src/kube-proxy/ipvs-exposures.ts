import type { Family } from '../net/family.ts';
import type { ExposureKind } from '../policy/model.ts';
import type { IpSet } from '../ruleset/ipset.ts';
import { protocolOf } from '../lower/rule-conditions.ts';
import type { KubeProxyExposure } from './exposure.ts';

const IPVS_SETS: readonly (readonly [RegExp, ExposureKind, boolean])[] = [
  [/^KUBE-(?:6-)?NODE-PORT-(?:TCP|UDP|SCTP)/, 'NodePort', false],
  [/^KUBE-(?:6-)?HEALTH-CHECK-NODE-PORT$/, 'HealthCheck', false],
  [/^KUBE-(?:6-)?LOAD-BALANCER$/, 'LoadBalancer', true],
  [/^KUBE-(?:6-)?EXTERNAL-IP$/, 'ExternalIP', true],
];

/**
 * What one ipset of ipvs mode tells (pkg/proxy/ipvs/ipset.go): what is a node port and what an address of a load
 * balancer, IPVS does not say.
 */
export const ipvsExposures = (set: IpSet): readonly KubeProxyExposure[] => {
  const [, kind, addressed] = IPVS_SETS.find(([pattern]) => pattern.test(set.name)) ?? [];
  if (kind === undefined) return [];
  const family: Family = set.name.startsWith('KUBE-6-') ? 6 : 4;
  return set.entries.flatMap(({ parts }): KubeProxyExposure[] => {
    const ports = parts.find((part) => part.kind === 'ports');
    const address = parts.find((part) => part.kind === 'addresses');
    if (ports?.kind !== 'ports') return [];
    const named = ports.protocol === null ? null : protocolOf(BigInt(ports.protocol));
    const protocol = named ?? (set.name.includes('UDP') ? 'udp' : 'tcp');
    return [
      {
        kind,
        family,
        protocol,
        port: ports.first,
        address: addressed === true && address?.kind === 'addresses' ? { family, value: address.first } : null,
        service: null,
      },
    ];
  });
};
