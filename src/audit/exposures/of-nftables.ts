import type { Table } from '../../ruleset/table.ts';
import { chainNames } from '../../kube-proxy/names.ts';
import { protocolOf } from '../../lower/rule-conditions.ts';
import { familyOf, type Found } from './found.ts';

/** Maps of kube-proxy's nftables mode (pkg/proxy/nftables/proxier.go). */
export const ofNftables = (table: Table): readonly Found[] => {
  if (table.engine !== 'nft' || table.name !== 'kube-proxy') return [];
  const family = familyOf(table);
  const { services } = chainNames(table);
  const elements = (name: string) => {
    const map = table.sets.get(name);
    return map?.kind === 'verdict-map' ? map.elements : [];
  };
  const nodePorts = ['service-nodeports', 'no-endpoint-nodeports'].flatMap((name) =>
    elements(name).flatMap(({ key: [protocolValue, port], verdict, comment }): Found[] => {
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
          from: 'kube-proxy',
        },
      ];
    }),
  );
  // Addresses that outside traffic is for lead to an external- chain; cluster addresses to a service- one.
  const addresses = elements('service-ips').flatMap(({ key: [address, protocolValue, port], verdict }): Found[] => {
    const protocol = protocolValue?.kind === 'range' ? protocolOf(protocolValue.first) : null;
    if (protocol === null || address?.kind !== 'range' || port?.kind !== 'range') return [];
    if (!('chain' in verdict) || !verdict.chain.startsWith('external-')) return [];
    return [
      {
        kind: 'LoadBalancer',
        family,
        protocol,
        port: Number(port.first),
        address: { family, value: address.first },
        service: services.get(verdict.chain) ?? null,
        from: 'kube-proxy',
      },
    ];
  });
  return [...nodePorts, ...addresses];
};
