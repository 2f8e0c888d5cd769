import { exposureId } from '../access/exposures.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { PortRange } from '../net/port.ts';
import { PROTOCOLS, type Protocol } from '../net/protocol.ts';
import type { ExposureKind } from '../policy/model.ts';
import { isAbsent } from '../ruleset/absent.ts';
import type { IptablesRule } from '../ruleset/iptables-rule.ts';
import type { IpSet } from '../ruleset/ipset.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import type { AnyTable, Chain, Table } from '../ruleset/table.ts';
import { chainNames } from './kube-proxy-names.ts';
import { conditionsOf, protocolOf } from './rule-conditions.ts';

/** Something on which a node answers, as its own rules show. */
export interface FoundExposure {
  readonly id: string;
  readonly kind: ExposureKind;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly port: number;
  /** null: any address of the node. */
  readonly address: Address | null;
  readonly service: string | null;
  /** Where it was found: `kube-proxy`, `IPVS`, `DNAT rule`, `listening socket`. */
  readonly from: string;
}

type Found = Omit<FoundExposure, 'id'>;

const familyOf = (table: AnyTable): Family => (table.family === 'ip6' ? 6 : 4);

const COMMENT_KINDS: readonly (readonly [RegExp, ExposureKind])[] = [
  [/ loadbalancer IP$/, 'LoadBalancer'],
  [/ external IP$/, 'ExternalIP'],
];

const commentOf = (rule: IptablesRule): string => {
  for (const match of rule.matches) if (match.kind === 'comment') return match.text;
  return '';
};

const rulesOf = (table: AnyTable, chain: string): readonly IptablesRule[] =>
  (table.chains.get(chain) as Chain<IptablesRule> | undefined)?.rules ?? [];

/** A port without a named protocol is open for tcp and udp alike. */
const each = (
  { protocol, ports }: { readonly protocol: Protocol | null; readonly ports: readonly PortRange[] | null },
  make: (protocol: Protocol, port: number) => Found,
): readonly Found[] =>
  (ports ?? []).flatMap(({ first, last }) =>
    (protocol === null ? PROTOCOLS : [protocol]).flatMap((one) =>
      Array.from({ length: Math.min(last - first + 1, MOST_PORTS) }, (_, index) => make(one, first + index)),
    ),
  );

/** A rule for all ports is no list of exposures. */
const MOST_PORTS = 4096;

/** Rules of kube-proxy's iptables mode: node ports, addresses of load balancers, health checks (pkg/proxy/iptables/proxier.go). */
const ofIptables = (table: AnyTable): readonly Found[] => {
  const family = familyOf(table);
  const { services } = chainNames(table);
  if (table.name === 'filter')
    return rulesOf(table, 'KUBE-NODEPORTS').flatMap((rule) =>
      rule.target?.kind === 'accept'
        ? each(conditionsOf(rule, family), (protocol, port) => ({
            kind: 'HealthCheck',
            family,
            protocol,
            port,
            address: null,
            service: commentOf(rule).split(' ')[0] ?? null,
            from: 'kube-proxy',
          }))
        : [],
    );
  if (table.name !== 'nat') return [];
  const target = ({ target: to }: IptablesRule): string => (to?.kind === 'jump' || to?.kind === 'goto' ? to.chain : '');
  const nodePorts = rulesOf(table, 'KUBE-NODEPORTS').flatMap((rule) =>
    each(conditionsOf(rule, family), (protocol, port) => ({
      kind: 'NodePort',
      family,
      protocol,
      port,
      address: null,
      service: services.get(target(rule)) ?? null,
      from: 'kube-proxy',
    })),
  );
  const addresses = rulesOf(table, 'KUBE-SERVICES').flatMap((rule) => {
    const kind = COMMENT_KINDS.find(([pattern]) => pattern.test(commentOf(rule)))?.[1];
    const conditions = kind === undefined ? null : conditionsOf(rule, family);
    if (kind === undefined || conditions?.destination == null) return [];
    const { destination } = conditions;
    return each(conditions, (protocol, port) => ({
      kind,
      family,
      protocol,
      port,
      address: destination,
      service: services.get(target(rule)) ?? null,
      from: 'kube-proxy',
    }));
  });
  return [...nodePorts, ...addresses];
};

/** Rules that publish a port of the node by rewriting it: Docker's, a CNI's hostPorts, hand-made ones. */
const ofDnat = (table: AnyTable): readonly Found[] => {
  if (table.engine === 'nft' || table.name !== 'nat') return [];
  const family = familyOf(table);
  return [...table.chains.values()].flatMap((chain) =>
    chain.name.startsWith('KUBE-')
      ? []
      : (chain as Chain<IptablesRule>).rules.flatMap((rule) => {
          if (rule.target?.kind !== 'nat' || rule.target.how !== 'dnat') return [];
          const conditions = conditionsOf(rule, family);
          return each(conditions, (protocol, port) => ({
            kind: 'HostPort',
            family,
            protocol,
            port,
            address: conditions.destination,
            service: null,
            from: 'DNAT rule',
          }));
        }),
  );
};

/** Maps of kube-proxy's nftables mode (pkg/proxy/nftables/proxier.go). */
const ofNftables = (table: Table): readonly Found[] => {
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

const IPVS_SETS: readonly (readonly [RegExp, ExposureKind, boolean])[] = [
  [/^KUBE-(?:6-)?NODE-PORT-(?:TCP|UDP|SCTP)/, 'NodePort', false],
  [/^KUBE-(?:6-)?HEALTH-CHECK-NODE-PORT$/, 'HealthCheck', false],
  [/^KUBE-(?:6-)?LOAD-BALANCER$/, 'LoadBalancer', true],
  [/^KUBE-(?:6-)?EXTERNAL-IP$/, 'ExternalIP', true],
];

/** Sets of kube-proxy's ipvs mode (pkg/proxy/ipvs/ipset.go): what is a node port and what an address of a load balancer, IPVS does not say. */
const ofIpsets = (set: IpSet): readonly Found[] => {
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

const ofListeners = ({ host: { listeners } }: Ruleset): readonly Found[] =>
  isAbsent(listeners)
    ? []
    : listeners.flatMap(({ protocol, address, families, port }) => {
        if (address !== null && isLoopback(address)) return [];
        return families.map((family) => ({
          kind: 'HostPort' as const,
          family,
          protocol,
          port,
          address,
          service: null,
          from: 'listening socket',
        }));
      });

const isLoopback = ({ family, value }: Address): boolean => (family === 4 ? value >> 24n === 127n : value === 1n);

/** In order of what tells most about an exposure: of those with the same id the first counts. */
export const findExposures = (ruleset: Ruleset): readonly FoundExposure[] => {
  const { tables, ipsets } = ruleset;
  const iptables = tables.filter(({ engine }) => engine !== 'nft');
  const found: readonly Found[] = [
    ...iptables.flatMap(ofIptables),
    ...tables.flatMap((table) => ofNftables(table as Table)),
    ...(isAbsent(ipsets) ? [] : [...ipsets.values()].flatMap(ofIpsets)),
    ...iptables.flatMap(ofDnat),
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
