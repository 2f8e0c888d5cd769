import type { Command } from '../../src/lab/command.ts';
import { namespaceOf } from '../../src/lab/place.ts';
import type { Mode } from '../../src/lab/mode.ts';
import { perl } from '../../src/lab/program.ts';
import { PROTOCOLS, type Protocol } from '../../src/net/protocol.ts';
import { FAMILIES, type Family } from '../../src/net/family.ts';
import type { Manifest } from './policies.ts';

// The captured kube-proxy has no Service for each family, protocol and externalTrafficPolicy. These twelve are written
// by analogy with what it wrote for the captured ones (src/lab/data): shop/frontend and shop/edge-local, in each mode.

export const TRAFFIC_POLICIES = ['Cluster', 'Local'] as const;

export interface MoreService {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly externalTrafficPolicy: (typeof TRAFFIC_POLICIES)[number];
  readonly nodePort: number;
}

/** Node ports 30700–30711: one Service for each combination. */
export const MORE_SERVICES: readonly MoreService[] = FAMILIES.flatMap((family) =>
  PROTOCOLS.flatMap((protocol) =>
    TRAFFIC_POLICIES.map((externalTrafficPolicy) => ({ family, protocol, externalTrafficPolicy })),
  ),
).map((service, index) => ({ ...service, nodePort: 30_700 + index }));

/** The one endpoint of all of them, in pod-64. */
export const ENDPOINT: Readonly<Record<Family, string>> = { 4: '10.244.1.64', 6: 'fd00:10:244:1::64' };
const PORT = 9000;
const PODS: Readonly<Record<Family, string>> = { 4: '10.244.0.0/16', 6: 'fd00:10:244::/56' };

/** Address and port as they are written together. */
export const socketOf = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

export const moreServer = ({ family }: MoreService): string => socketOf(ENDPOINT[family], PORT);

/** As they stand in the API. */
export const moreManifests: readonly Manifest[] = MORE_SERVICES.map((it) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'more', name: nameOf(it) },
  spec: {
    type: 'NodePort',
    ipFamilies: [`IPv${it.family}`],
    externalTrafficPolicy: it.externalTrafficPolicy,
    ports: [{ port: PORT, protocol: it.protocol.toUpperCase(), nodePort: it.nodePort }],
  },
}));

function nameOf({ family, protocol, externalTrafficPolicy }: MoreService): string {
  return `${protocol}${family}-${externalTrafficPolicy.toLowerCase()}`;
}

/** The commands, in phases, that add them to a lab's node and start their servers. */
export const moreServiceCommands = (
  lab: string,
  { mode, sctp }: { readonly mode: Mode; readonly sctp: boolean },
): readonly (readonly Command[])[] => {
  const inNode = (argv: readonly string[], stdin: string): Command => ({
    argv: ['ip', 'netns', 'exec', namespaceOf(lab, 'node-1'), ...argv],
    stdin,
  });
  const restore = (flavour: string, rules: (family: Family) => readonly string[]): readonly Command[] =>
    FAMILIES.map((family) =>
      inNode(
        [`${family === 4 ? 'iptables' : 'ip6tables'}-${flavour}-restore`, '--wait', '--noflush'],
        lines(['*nat', ...rules(family), 'COMMIT']),
      ),
    );
  const servers = PROTOCOLS.filter((protocol) => sctp || protocol !== 'sctp').flatMap((protocol) =>
    FAMILIES.map((family) => `${protocol},${ENDPOINT[family]},${PORT}`),
  );
  const echo: Command = { argv: perl('echo.pl', [namespaceOf(lab, 'pod-64'), ...servers].join(' ')) };
  switch (mode) {
    case 'iptables-nft':
      return [[echo, ...restore('nft', iptablesRules)]];
    case 'iptables-legacy':
      return [[echo, ...restore('legacy', iptablesRules)]];
    case 'nftables':
      return [[echo, inNode(['nft', '-f', '-'], lines(MORE_SERVICES.flatMap(nftCommands)))]];
    case 'ipvs':
      return [
        [
          echo,
          inNode(['ipset', 'restore'], lines(MORE_SERVICES.flatMap(ipsetEntries))),
          inNode(['ipvsadm', '--restore'], lines(MORE_SERVICES.flatMap(ipvsServices))),
        ],
        restore('legacy', ipvsRules),
      ];
  }
};

const lines = (list: readonly string[]): string => list.map((line) => `${line}\n`).join('');

/** pkg/proxy/iptables/proxier.go, as seen for shop/edge-local and shop/frontend. */
const iptablesRules = (family: Family): readonly string[] =>
  MORE_SERVICES.filter((it) => it.family === family).flatMap((it) => {
    const [ext, svc, svl, sep] = ['EXT', 'SVC', 'SVL', 'SEP'].map((kind) => `KUBE-${kind}-MORE${it.nodePort}`);
    const local = it.externalTrafficPolicy === 'Local';
    return [
      ...[ext, svc, sep, ...(local ? [svl] : [])].map((chain) => `:${chain} - [0:0]`),
      `-A KUBE-NODEPORTS -p ${it.protocol} -m ${it.protocol} --dport ${it.nodePort} -j ${ext}`,
      ...(local
        ? [
            `-A ${ext} -s ${PODS[family]} -j ${svc}`,
            `-A ${ext} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
            `-A ${ext} -m addrtype --src-type LOCAL -j ${svc}`,
            `-A ${ext} -j ${svl}`,
            `-A ${svl} -j ${sep}`,
          ]
        : [`-A ${ext} -j KUBE-MARK-MASQ`, `-A ${ext} -j ${svc}`]),
      `-A ${svc} -j ${sep}`,
      `-A ${sep} -s ${ENDPOINT[family]} -j KUBE-MARK-MASQ`,
      `-A ${sep} -p ${it.protocol} -m ${it.protocol} -j DNAT --to-destination ${moreServer(it)}`,
    ];
  });

/** pkg/proxy/nftables/proxier.go, as seen for the same two. */
const nftCommands = (it: MoreService): readonly string[] => {
  const [table, ip] = it.family === 4 ? ['ip kube-proxy', 'ip'] : ['ip6 kube-proxy', 'ip6'];
  const [service, local, external] = ['service', 'local', 'external'].map((kind) => `${kind}-more-${it.nodePort}`);
  const dnat = `meta l4proto ${it.protocol} dnat ${ip} to numgen random mod 1 map { 0 : ${ENDPOINT[it.family]} . ${PORT} }`;
  const rules: readonly (readonly [chain: string | undefined, rule: string])[] =
    it.externalTrafficPolicy === 'Local'
      ? [
          [service, dnat],
          [local, dnat],
          [external, `${ip} saddr ${PODS[it.family]} goto ${service}`],
          [external, 'fib saddr type local meta mark set meta mark or 0x4000'],
          [external, `fib saddr type local goto ${service}`],
          [external, `goto ${local}`],
        ]
      : [
          [service, dnat],
          [external, 'meta mark set meta mark or 0x4000'],
          [external, `goto ${service}`],
        ];
  return [
    ...[service, local, external].map((chain) => `add chain ${table} ${chain}`),
    ...rules.map(([chain, rule]) => `add rule ${table} ${chain} ${rule}`),
    `add element ${table} service-nodeports { ${it.protocol} . ${it.nodePort} : goto ${external} }`,
  ];
};

const NODE_ADDRESSES: Readonly<Record<Family, readonly string[]>> = {
  4: ['192.0.2.10', '10.244.1.1'],
  6: ['2001:db8:0:2::10', 'fd00:10:244:1::1'],
};

/** pkg/proxy/ipvs/ipset.go; a name has at most 31 letters, so the longest lost its last one. */
const setName = (family: Family, local: boolean, protocol: Protocol): string =>
  `KUBE-${family === 6 ? '6-' : ''}NODE-PORT-${local ? 'LOCAL-' : ''}${protocol === 'sctp' ? 'SCTP-HASH' : protocol.toUpperCase()}`.slice(
    0,
    31,
  );

const ipsetEntries = ({ family, protocol, externalTrafficPolicy, nodePort }: MoreService): readonly string[] => {
  const entries =
    protocol === 'sctp' ? NODE_ADDRESSES[family].map((address) => `${address},sctp:${nodePort}`) : [`${nodePort}`];
  const loop = `KUBE-${family === 6 ? '6-' : ''}LOOP-BACK`;
  return [
    ...[false, ...(externalTrafficPolicy === 'Local' ? [true] : [])].flatMap((local) =>
      entries.map((entry) => `add ${setName(family, local, protocol)} ${entry}`),
    ),
    `add -exist ${loop} ${ENDPOINT[family]},${protocol}:${PORT},${ENDPOINT[family]}`,
  ];
};

const ipvsServices = (it: MoreService): readonly string[] => {
  const option = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }[it.protocol];
  return NODE_ADDRESSES[it.family].flatMap((address) => [
    `-A ${option} ${socketOf(address, it.nodePort)} -s rr`,
    `-a ${option} ${socketOf(address, it.nodePort)} -r ${moreServer(it)} -m -w 1`,
  ]);
};

/**
 * pkg/proxy/ipvs/proxier.go writes the rule of a set when the set has an entry; the captured state had no entries in
 * some.
 */
const ipvsRules = (family: Family): readonly string[] =>
  PROTOCOLS.toReversed().flatMap((protocol) => {
    const by = protocol === 'sctp' ? 'dst,dst' : 'dst';
    return [false, true].map(
      (local) =>
        `-I KUBE-NODE-PORT -p ${protocol} -m set --match-set ${setName(family, local, protocol)} ${by} -j ${local ? 'RETURN' : 'KUBE-MARK-MASQ'}`,
    );
  });
