import { familyOf } from '../ruleset/hook.ts';
import { verdictElements, type AnyTable } from '../ruleset/table.ts';
import { chainNames } from './names.ts';
import { protocolOf } from '../lower/rule-conditions.ts';
import { chainRole, isKubeProxyTable } from './chain-role.ts';
import type { KubeProxyExposure } from './exposure.ts';

/** What the maps of nftables mode tell (pkg/proxy/nftables/proxier.go). */
export const nftablesExposures = (table: AnyTable): readonly KubeProxyExposure[] => {
  if (!isKubeProxyTable(table)) return [];
  const family = familyOf(table.family);
  const { services } = chainNames(table);
  const elements = (name: string) => verdictElements(table.sets.get(name));
  const nodePorts = ['service-nodeports', 'no-endpoint-nodeports'].flatMap((name) =>
    elements(name).flatMap(({ key: [protocolValue, port], verdict, comment }): KubeProxyExposure[] => {
      const protocol = protocolValue?.kind === 'range' ? protocolOf(protocolValue.first) : null;
      if (protocol === null || port?.kind !== 'range') return [];
      const service = 'chain' in verdict ? services.get(verdict.chain) : undefined;
      return [
        {
          kind: 'NodePort',
          family,
          protocol,
          port: Number(port.first),
          address: null,
          service: service ?? comment ?? null,
        },
      ];
    }),
  );
  // Addresses that outside traffic is for lead to an external- chain; cluster addresses to a service- one.
  const addresses = elements('service-ips').flatMap(
    ({ key: [address, protocolValue, port], verdict }): KubeProxyExposure[] => {
      const protocol = protocolValue?.kind === 'range' ? protocolOf(protocolValue.first) : null;
      if (protocol === null || address?.kind !== 'range' || port?.kind !== 'range') return [];
      if (!('chain' in verdict) || chainRole(table, verdict.chain)?.role !== 'outside-traffic') return [];
      return [
        {
          kind: 'LoadBalancer',
          family,
          protocol,
          port: Number(port.first),
          address: { family, value: address.first },
          service: services.get(verdict.chain) ?? null,
        },
      ];
    },
  );
  return [...nodePorts, ...addresses];
};
