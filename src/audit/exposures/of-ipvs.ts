import type { Family } from '../../net/family.ts';
import type { ExposureKind } from '../../policy/model.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { IpSet } from '../../ruleset/ipset.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import { protocolOf } from '../../lower/rule-conditions.ts';
import type { Found } from './found.ts';

const IPVS_SETS: readonly (readonly [RegExp, ExposureKind, boolean])[] = [
  [/^KUBE-(?:6-)?NODE-PORT-(?:TCP|UDP|SCTP)/, 'NodePort', false],
  [/^KUBE-(?:6-)?HEALTH-CHECK-NODE-PORT$/, 'HealthCheck', false],
  [/^KUBE-(?:6-)?LOAD-BALANCER$/, 'LoadBalancer', true],
  [/^KUBE-(?:6-)?EXTERNAL-IP$/, 'ExternalIP', true],
];

/** Sets of kube-proxy's ipvs mode (pkg/proxy/ipvs/ipset.go): what is a node port and what an address of a load balancer, IPVS does not say. */
export const ofIpsets = (set: IpSet): readonly Found[] => {
  const [, kind, addressed] = IPVS_SETS.find(([pattern]) => pattern.test(set.name)) ?? [];
  if (kind === undefined) return [];
  const family: Family = set.name.startsWith('KUBE-6-') ? 6 : 4;
  return set.entries.flatMap(({ parts }): Found[] => {
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
        from: 'kube-proxy',
      },
    ];
  });
};

/** Services of IPVS on an address that the node has besides those of kube-ipvs0, which are the cluster's. */
export const ofVirtualServers = ({ ipvs, host: { addresses } }: Ruleset): readonly Found[] => {
  if (isAbsent(ipvs) || isAbsent(addresses)) return [];
  const own = new Set(
    addresses.flatMap(({ link, address: { family, value } }) => (link === 'kube-ipvs0' ? [] : [`${family} ${value}`])),
  );
  return ipvs.flatMap(({ at }): Found[] =>
    at === null || !own.has(`${at.address.family} ${at.address.value}`)
      ? []
      : [
          {
            kind: 'NodePort',
            family: at.address.family,
            protocol: at.protocol,
            port: at.port,
            address: null,
            service: null,
            from: 'IPVS',
          },
        ],
  );
};
