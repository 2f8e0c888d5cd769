import { isAbsent } from '../../ruleset/absent.ts';
import type { Listener } from '../../ruleset/host.ts';
import type { RejectKind } from '../../ruleset/values/verdict.ts';
import type { Context } from '../state/context.ts';
import type { Client, Outcome } from '../state/outcome.ts';
import { isIcmp } from '../state/packet-set.ts';
import type { Place } from '../state/place.ts';
import { destinationOf, listed, SOURCES, type State } from '../state/state.ts';

/** An outcome without what the way there says of it (probability, assumptions). */
export type Fate = Omit<Outcome, 'probability' | 'kind' | 'assuming'>;

const NOWHERE = {
  to: null,
  source: null,
  via: null,
  where: null,
  listener: null,
  reject: null,
  returnPath: null,
} as const;

const sourceOf = (state: State): bigint | null => (state.source === SOURCES ? state.point : (state.source ?? null));

/**
 * The answers as iptables and nft name them (iptables-extensions(8), REJECT), and how a client's connect() hears of
 * them.
 */
const ANSWERS: Readonly<Record<RejectKind, readonly [string, string, Client]>> = {
  'tcp-reset': ['tcp-reset', 'tcp-reset', 'refused'],
  'port-unreachable': ['icmp-port-unreachable', 'icmp6-port-unreachable', 'refused'],
  'admin-prohibited': ['icmp-admin-prohibited', 'icmp6-adm-prohibited', 'host-unreachable'],
  'no-route': ['icmp-net-unreachable', 'icmp6-no-route', 'net-unreachable'],
  'net-unreachable': ['icmp-net-unreachable', 'icmp6-no-route', 'net-unreachable'],
  'host-unreachable': ['icmp-host-unreachable', 'icmp6-addr-unreachable', 'host-unreachable'],
  'address-unreachable': ['icmp-host-unreachable', 'icmp6-addr-unreachable', 'host-unreachable'],
  'protocol-unreachable': ['icmp-proto-unreachable', 'icmp6-port-unreachable', 'refused'],
  'net-prohibited': ['icmp-net-prohibited', 'icmp6-adm-prohibited', 'net-unreachable'],
  'host-prohibited': ['icmp-host-prohibited', 'icmp6-adm-prohibited', 'host-unreachable'],
  'policy-fail': ['icmp-admin-prohibited', 'icmp6-policy-fail', 'host-unreachable'],
  'reject-route': ['icmp-host-prohibited', 'icmp6-reject-route', 'host-unreachable'],
  'echo-reply': ['echo-reply', 'echo-reply', 'timeout'],
  other: ['other', 'other', 'depends'],
};

/** A packet that is answered with a refusal. */
export const rejected = (context: Context, kind: RejectKind, decidedBy: Place): Fate => {
  const [v4, v6, client] = ANSWERS[kind];
  // Only TCP has resets (net/netfilter/nft_reject_inet.c sends nothing else for others).
  const reject = context.family === 4 ? v4 : v6;
  return { ...NOWHERE, result: 'rejected', reject, client, decidedBy };
};

/** A packet that vanishes. */
export const dropped = (decidedBy: Place): Fate => ({ ...NOWHERE, result: 'dropped', client: 'timeout', decidedBy });

/** Nobody knows, and why. */
export const unknown = (decidedBy: Place, why: string): Fate => ({
  ...NOWHERE,
  result: 'unknown',
  client: 'depends',
  decidedBy,
  why,
});

/** It was not followed any further. */
export const notFollowed = (decidedBy: Place): Fate => ({
  ...unknown(decidedBy, 'too many rules before it cannot be told from the dumps'),
  gaveUp: true,
});

const ROUTE_CLIENT = {
  'net-unreachable': 'net-unreachable',
  'host-unreachable': 'host-unreachable',
  prohibited: 'host-unreachable',
  // A sender takes it for that (net/ipv4/tcp_ipv4.c, tcp_v4_err; net/ipv6/icmp.c, icmpv6_err_convert).
  'time-exceeded': 'host-unreachable',
  silent: 'timeout',
} as const satisfies Record<string, Client>;

/** Why the routing refuses a packet; time-exceeded: a router counts its time to live down to nothing. */
export type Unroutable = keyof typeof ROUTE_CLIENT;

/** A packet that the routing refuses. */
export const unroutable = (error: Unroutable, decidedBy: Place): Fate => ({
  ...NOWHERE,
  result: 'unroutable',
  client: ROUTE_CLIENT[error],
  decidedBy,
});

const PROTOCOLS: Readonly<Record<number, Listener['protocol']>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' };

/** Whether a socket takes the packet; null: no dump tells, or the protocol has none. */
export const listens = (context: Context, state: State): boolean | null => {
  const { listeners } = context.index.host;
  const protocol = PROTOCOLS[context.packet.protocol];
  if (isAbsent(listeners) || protocol === undefined || typeof state.destinationPort !== 'number') return null;
  return listeners.some(
    (one) =>
      one.protocol === protocol &&
      one.port === state.destinationPort &&
      one.families.includes(context.family) &&
      (one.address === null || one.address.value === destinationOf(state)) &&
      (one.device === null || one.device === state.in),
  );
};

/** A packet that reaches this node's own stack. */
export const arrived = (context: Context, state: State, place: Place): Fate => {
  const listener = listens(context, state);
  const { chosen } = state;
  const delivered = chosen !== null && chosen.how !== 'redirect';
  const echo = isIcmp(context.packet);
  return {
    result: delivered ? 'delivered' : 'local',
    to: { address: destinationOf(state), port: state.destinationPort ?? null },
    source: sourceOf(state),
    via: null,
    where: 'this-node',
    listener,
    reject: null,
    client: listener === null ? (delivered || echo ? 'connects' : 'depends') : listener ? 'connects' : 'refused',
    returnPath: delivered ? 'through-node' : null,
    decidedBy: chosen?.at ?? place,
  };
};

/**
 * Where a next hop is, as far as the routes tell: a pod's own device has no router; the device of the default route
 * leads to other machines.
 */
const whereIs = (context: Context, state: State): Outcome['where'] => {
  const { route } = state;
  if (route === null) return null;
  if (route.isDefault) return 'outside';
  if (route.nextHop !== null) return 'other-node';
  return isUplink(context, route.device) ? 'other-node' : 'this-node';
};

const isUplink = ({ index: { tables } }: Context, device: string): boolean =>
  [...(tables?.values() ?? [])].some((table) =>
    [...(table.byLength.get(0)?.values() ?? [])].some((routes) =>
      routes.some((route) => route.device === device || route.hops.some((hop) => hop.device === device)),
    ),
  );

/** A packet that leaves the node. */
export const left = (context: Context, state: State): Fate => {
  const { route, chosen, ipvs } = state;
  const delivered = chosen !== null;
  const where = whereIs(context, state);
  const bypass = delivered && where !== 'this-node' && !state.translatedSource && !state.hasSocket;
  return {
    result: delivered ? 'delivered' : 'forwarded',
    to:
      ipvs === null
        ? { address: destinationOf(state), port: state.destinationPort ?? null }
        : { address: ipvs.server.address.value, port: ipvs.port },
    source: sourceOf(state),
    via: route === null ? null : { oif: route.device, nextHop: route.nextHop },
    where,
    listener: null,
    reject: null,
    client: delivered && !bypass ? 'connects' : 'depends',
    returnPath: delivered ? (bypass ? 'may-bypass' : 'through-node') : null,
    decidedBy: chosen?.at ?? route?.place ?? { kind: 'routing', family: context.family, table: '', text: '' },
  };
};

/** An ending with what the way there says of it. */
export const outcomeOf = (state: State, ending: Fate): Outcome => {
  const assuming = listed(state.assuming);
  const isUnknown = assuming.some(({ what }) => what === 'match') || ending.result === 'unknown';
  const isCertain = state.weight.over === state.weight.of;
  return {
    ...ending,
    probability: isUnknown ? null : state.weight,
    kind: isUnknown ? 'unknown' : isCertain ? 'certain' : state.shared ? 'share' : 'random',
    assuming,
  };
};
