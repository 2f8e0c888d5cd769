import { STATIONS } from '../../src/lab/address-plan.ts';
import type { Mode } from '../../src/lab/mode.ts';
import type { Place } from '../../src/lab/place.ts';
import type { Probe } from '../../src/lab/probe.ts';
import { FAMILIES, type Family } from '../../src/net/family.ts';
import { PROTOCOLS, type Protocol } from '../../src/net/protocol.ts';
import { MORE_SERVICES, moreServer, type MoreService } from '../support/more-services.ts';
import { capturedOutcomes } from './captured-outcomes.ts';

/** One client at one door of the node. */
export interface Cell {
  readonly probe: Probe;
  /** What it comes to without Portcullis, in the words of captured-outcomes.ts: one of these. */
  readonly unguarded: ReadonlySet<string>;
  /** A datagram to an address that many may listen to: sent by shout.pl. */
  readonly shouted: boolean;
}

/** Servers of node-1 itself, as a hostNetwork pod has them, at every address of the node, over every protocol. */
export const HOST_PORT = 30_500;
/** Addresses that the tests give to node-1 besides those of the lab. */
export const SECONDARY: Readonly<Record<Family, string>> = { 4: '192.0.2.77', 6: '2001:db8:0:2::77' };
export const NODE: Readonly<Record<Family, string>> = { 4: '192.0.2.10', 6: '2001:db8:0:2::10' };
/** Addresses of the node at which its own servers are asked. */
export const HOST_ADDRESSES = FAMILIES.flatMap((family) => [
  NODE[family],
  SECONDARY[family],
  family === 4 ? '127.0.0.1' : '::1',
]);
export const HEALTH_CHECK = 31_999;

/** The client places of the matrix: same subnet, routed, pod on the node, second node. */
const CLIENTS: readonly Place[] = ['same-lan', 'outside-a', 'outside-b', 'outside-c', 'outside-d', 'pod-99', 'node-2'];

const cell = (probe: Probe, ...unguarded: readonly string[]): Cell => ({
  probe,
  unguarded: new Set(unguarded),
  shouted: false,
});

/** An address of a client. */
export const addressOf = (place: Place, family: Family): string =>
  (STATIONS.find((station) => station.place === place)?.addresses ?? [])
    .map((address) => address.split('/')[0] ?? '')
    .find((address) => address.includes(':') === (family === 6)) ?? '';

/**
 * The doors of a node without Portcullis: every cell of a mode. Without `sctp` the cells of that protocol are left out.
 */
export const matrixCells = (mode: Mode, sctp: boolean): readonly Cell[] =>
  [
    ...capturedOutcomes(mode).map(({ probe, outcomes }) => cell(probe, ...outcomes)),
    ...MORE_SERVICES.flatMap((service) => serviceCells(mode, service)),
    ...PROTOCOLS.flatMap((protocol) => FAMILIES.flatMap((family) => hostCells(protocol, family))),
    ...capturedSctp(mode),
    ...secondaryCells(mode),
    ...healthCheckCells(),
    ...vipNodePortCells(mode),
    ...shoutedCells(),
  ].filter(({ probe }) => sctp || probe.protocol !== 'sctp');

/** {IPv4, IPv6} x {TCP, UDP, SCTP} x {Cluster, Local} x client place. */
const serviceCells = (mode: Mode, service: MoreService): readonly Cell[] => {
  const { family, protocol, externalTrafficPolicy, nodePort: port } = service;
  const local = externalTrafficPolicy === 'Local';
  const answer = (source: string): string => `${moreServer(service)}<${source}`;
  const bridge = family === 4 ? '10.244.1.1' : 'fd00:10:244:1::1';
  // kube-proxy masquerades what comes by way of Cluster; with IPVS, a node's own connection to Local keeps the node's
  // address.
  const own = local && mode === 'ipvs' ? NODE[family] : bridge;
  const localhost = family === 4 ? '127.0.0.1' : '::1';
  const byLocalhost = family === 4 && mode.startsWith('iptables');
  return [
    ...CLIENTS.map((from) => cell({ from, protocol, to: NODE[family], port }, answer(local ? 'own' : bridge))),
    cell({ from: 'node-1', protocol, to: NODE[family], port }, answer(own)),
    cell({ from: 'node-1', protocol, to: localhost, port }, byLocalhost ? answer(bridge) : 'refused'),
  ];
};

/** The node's own sockets, at its own and a secondary address. */
const hostCells = (protocol: Protocol, family: Family): readonly Cell[] => [
  ...[NODE[family], SECONDARY[family]].flatMap((to) => [
    ...CLIENTS.map((from) => cell({ from, protocol, to, port: HOST_PORT }, 'host<own')),
    cell({ from: 'node-1', protocol, to, port: HOST_PORT }, `host<${to}`),
  ]),
  ...[family === 4 ? '127.0.0.1' : '::1'].map((to) =>
    cell({ from: 'node-1', protocol, to, port: HOST_PORT }, `host<${to}`),
  ),
];

/** SCTP was captured in two modes only; in the others it goes as TCP does. */
const capturedSctp = (mode: Mode): readonly Cell[] =>
  mode === 'ipvs'
    ? []
    : [...CLIENTS, 'node-1' as const].map((from) =>
        cell({ from, protocol: 'sctp', to: NODE[4], port: 30_132 }, '10.244.1.66:3868<10.244.1.1'),
      );

/** A Service at a secondary address of the node: only the iptables modes answer at every local address. */
const secondaryCells = (mode: Mode): readonly Cell[] =>
  CLIENTS.map((from) =>
    cell(
      { from, protocol: 'tcp', to: SECONDARY[4], port: 30_090 },
      mode.startsWith('iptables') ? '10.244.1.67:443<10.244.1.1' : 'refused',
    ),
  );

/** kube-proxy's answer to load balancers. */
const healthCheckCells = (): readonly Cell[] => [
  ...CLIENTS.map((from) => cell({ from, protocol: 'tcp', to: NODE[4], port: HEALTH_CHECK }, 'node-1-health-check<own')),
  cell({ from: 'node-1', protocol: 'tcp', to: NODE[4], port: HEALTH_CHECK }, `node-1-health-check<${NODE[4]}`),
];

/** VIPs and external IPs of the captured Services, with their port. */
const VIP_DOORS = ['192.0.2.200 443', '192.0.2.201 8080', '192.0.2.202 80', '192.0.2.203 80'];
export const LOCAL_VIP = '192.0.2.203';

/**
 * Is this a door that a policy for 30000–32767 and all Services guards? The node's own traffic to itself is never
 * judged, and a healthCheckNodePort only where a policy names it.
 */
export const isJudged = ({ probe: { from, protocol, to, port } }: Cell, healthCheckNamed: boolean): boolean => {
  if (from === 'node-1') return false;
  if (protocol === 'tcp' && VIP_DOORS.includes(`${to} ${port}`)) return true;
  return port >= 30_000 && port <= 32_767 && (port !== HEALTH_CHECK || healthCheckNamed);
};

/**
 * After the load balancer's address became one of the node's own (as small load balancers do it), in modes that do not
 * do so anyway.
 */
export const localVipCells = (mode: Mode): readonly Cell[] =>
  mode === 'ipvs'
    ? []
    : (['same-lan', 'outside-a', 'outside-b', 'pod-99'] as const).flatMap((from) => [
        cell({ from, protocol: 'tcp', to: LOCAL_VIP, port: 80 }, '10.244.1.68:8080<own', '10.244.2.22:8080<own'),
        cell({ from, protocol: 'tcp', to: LOCAL_VIP, port: 30_006 }, ...(mode === 'nftables' ? ['refused'] : FRONTEND)),
      ]);

const FRONTEND = ['10.244.1.64:8080<10.244.1.1', '10.244.2.21:8080<192.0.2.10', '10.244.2.22:8080<192.0.2.10'];

/** A node port at a load balancer's address, where that is an address of the node: always in ipvs mode. */
const vipNodePortCells = (mode: Mode): readonly Cell[] =>
  mode === 'ipvs'
    ? (['same-lan', 'outside-a', 'outside-b', 'outside-d', 'pod-99'] as const).flatMap((from) => [
        cell({ from, protocol: 'tcp', to: '192.0.2.203', port: 30_444 }, 'refused'),
        cell({ from, protocol: 'tcp', to: '192.0.2.200', port: 30_001 }, 'refused'),
      ])
    : [];

/** Broadcast, multicast and anycast addresses reach the node's own sockets. */
const SHOUTS: readonly (readonly [from: Place, to: string])[] = [
  ...(['same-lan', 'node-2'] as const).flatMap((from) =>
    ['192.0.2.255', '255.255.255.255', '224.0.0.1', 'ff02::1'].map((to) => [from, to] as const),
  ),
  ...(['pod-99', 'pod-68'] as const).flatMap((from) =>
    ['10.244.1.255', '255.255.255.255', '224.0.0.1', 'ff02::1', 'fd00:10:244:1::'].map((to) => [from, to] as const),
  ),
];

const shoutedCells = (): readonly Cell[] =>
  SHOUTS.map(([from, to]) => ({
    ...cell(
      { from, protocol: 'udp', to, port: HOST_PORT, source: addressOf(from, to.includes(':') ? 6 : 4) },
      'host<own',
    ),
    shouted: true,
  }));
