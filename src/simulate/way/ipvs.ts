import { isAbsent, type Absent } from '../../ruleset/absent.ts';
import { certain } from '../../lower/fraction.ts';
import { PROTOCOL_NUMBER } from '../../net/protocol.ts';
import type { RealServer, VirtualServer } from '../../ruleset/ipvs.ts';
import { isIpvsInUse } from '../../kube-proxy/mode.ts';
import { portsOf } from './connection.ts';
import { assumingThat, byChance, type Context } from '../state/context.ts';
import { sysctl } from '../host/host-index.ts';
import { choiceOf, type Share } from './ipvs-schedulers.ts';
import { SYN, tcpFlags, type PacketSet } from '../state/packet-set.ts';
import type { Place } from '../state/place.ts';
import { destinationOf, type State } from '../state/state.ts';

/**
 * The service that takes a packet (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_service_find): by mark first, then by address
 * and port.
 */
const serviceFor = (context: Context, services: readonly VirtualServer[], state: State): VirtualServer | null => {
  const { mark, destinationPort } = state;
  const byMark = mark === undefined || mark === 0n ? undefined : places(services).get(`${context.family} mark ${mark}`);
  return byMark ?? serviceAt(context, services, destinationOf(state), destinationPort);
};

/** The service at an address and a port. */
export const serviceAt = (
  { family, packet }: Context,
  services: readonly VirtualServer[],
  address: bigint,
  port: State['destinationPort'],
): VirtualServer | null => {
  const known = places(services);
  const own = `${family} ${packet.protocol} ${address}`;
  return (typeof port === 'number' ? known.get(`${own} ${port}`) : undefined) ?? known.get(`${own} 0`) ?? null;
};

const remembered = new WeakMap<readonly VirtualServer[], ReadonlyMap<string, VirtualServer>>();

/** Services by family, and by mark or place. */
const places = (services: readonly VirtualServer[]): ReadonlyMap<string, VirtualServer> => {
  const known = remembered.get(services);
  if (known !== undefined) return known;
  const made = new Map(
    services.map((service) => {
      const { at, mark, family } = service;
      const place = at === null ? `mark ${mark}` : `${PROTOCOL_NUMBER[at.protocol]} ${at.address.value} ${at.port}`;
      return [`${family} ${place}`, service] as const;
    }),
  );
  remembered.set(services, made);
  return made;
};

/** What IPVS does with a packet at one of its hooks. */
export type Balanced =
  /** It is for no service, or was balanced before. */
  | { readonly kind: 'passed'; readonly state: State }
  | { readonly kind: 'balanced'; readonly state: State; readonly server: RealServer; readonly at: Place }
  /** No server takes it: it is answered with ICMP (ip_vs_core.c, ip_vs_leave). */
  | { readonly kind: 'refused'; readonly state: State; readonly at: Place }
  | { readonly kind: 'unknown'; readonly state: State; readonly at: Place; readonly why: string };

const passed = (state: State): readonly Balanced[] => [{ kind: 'passed', state }];

/** Connections of these protocols are given to a server. */
const BALANCED: ReadonlySet<number> = new Set([6, 17, 132]);

/**
 * Whether IPVS schedules a packet of a connection that it does not know: of TCP only one that begins
 * (ip_vs_proto_tcp.c, tcp_conn_schedule).
 */
const isScheduled = (packet: PacketSet): boolean =>
  packet.protocol === PROTOCOL_NUMBER.udp || tcpFlags(packet, SYN) === SYN;

/** Where services are looked for that no dump tells. */
const untold = ({ why }: Absent): Place => ({
  kind: 'ipvs',
  server: { at: null, mark: null, family: 4, scheduler: '', persistent: null, flags: [], servers: [], text: why },
});

/**
 * Balances a packet: one result for each server that it may get; a connection keeps the one that its first packet got.
 */
export const balance = (context: Context, state: State): readonly Balanced[] => {
  const { ruleset, packet, balanced } = context;
  const { ipvs } = ruleset;
  const isAnswer = balanced !== null && packet.direction === 'reply';
  if (state.ipvs !== null || !BALANCED.has(packet.protocol) || isAnswer) return passed(state);
  if (isAbsent(ipvs))
    // Without its services nobody can tell what ipvs mode does.
    return isIpvsInUse(ruleset) && context.index.local.has(destinationOf(state))
      ? [{ kind: 'unknown', state, at: untold(ipvs), why: ipvs.why }]
      : passed(state);
  if (ipvs.length === 0) return passed(state);
  const service =
    balanced?.service ??
    (packet.state !== 'established' || isScheduled(packet) ? serviceFor(context, ipvs, state) : null);
  if (service === null) return passed(state);
  const at: Place = { kind: 'ipvs', server: service };
  const each = (from: State, shares: readonly Share[]): readonly Balanced[] =>
    shares.map(([server, share]) => {
      const chosen = share.over === share.of ? from : byChance(context, from, at, 'turn', share);
      if (server === null) return { kind: 'refused', state: chosen, at };
      if (server.forward === 'tunnel') return { kind: 'unknown', state: chosen, at, why: 'sent on through a tunnel' };
      return { kind: 'balanced', state: given(context, chosen, service, server, at), server, at };
    });
  // One that schedules each packet knows no connections.
  if (balanced !== null && !service.flags.includes('ops')) return each(state, [[balanced.server, certain]]);
  const { shares, otherwise } = choiceOf(service);
  const all = (from: State): readonly Balanced[] => {
    if (otherwise === null) return each(from, shares);
    const assumed = (holds: boolean): State =>
      assumingThat(context, from, { at, what: 'match', holds, why: 'room for more connections' });
    return [...each(assumed(true), shares), ...each(assumed(false), otherwise)];
  };
  if (service.persistent === null || shares.length + (otherwise?.length ?? 0) === 1) return all(state);
  const why = `persistence of ${service.persistent} s`;
  return [
    ...all(assumingThat(context, state, { at, what: 'affinity', holds: false, why })),
    ...all(assumingThat(context, state, { at, what: 'affinity', holds: 'endpoint', why })),
  ];
};

/**
 * An answer of a server, with the address of its service instead of the server's own (ip_vs_core.c, handle_response);
 * null: it is none. Only a server that is reached by rewriting answers by way of this node.
 */
export const fromService = ({ packet, balanced, earlier }: Context, state: State): State | null =>
  packet.direction !== 'reply' ||
  balanced === null ||
  earlier === null ||
  balanced.server.forward !== 'masq' ||
  state.ipvs !== null
    ? null
    : {
        ...state,
        source: earlier.original.destination,
        sourcePort: earlier.original.destinationPort,
        translatedSource: true,
        ipvs: balanced,
      };

/**
 * The port to which a server gets a packet; 0 of a server is the packet's own. Where a client keeps its server, only a
 * service of the packet's very port has another one (net/netfilter/ipvs/ip_vs_core.c, ip_vs_schedule,
 * ip_vs_sched_persist).
 */
const portAt = ({ at, persistent }: VirtualServer, { port }: RealServer, asked: State['destinationPort']) =>
  port === 0 || (persistent !== null && at?.port !== asked) ? asked : port;

/** ip_vs_xmit.c, ip_vs_nat_xmit; direct routing changes nothing about the packet. */
const given = (context: Context, state: State, service: VirtualServer, server: RealServer, at: Place): State => {
  const port = portAt(service, server, state.destinationPort);
  const ipvs = { service, server, port: port ?? null };
  // Without net.ipv4.vs.conntrack the packets are not tracked from here on, those that were (include/net/ip_vs.h,
  // ip_vs_notrack).
  const leaves = sysctl(context.index, 'net.ipv4.vs.conntrack') === '0' && state.connection !== 'invalid';
  const connection = leaves ? 'untracked' : state.connection;
  const here: State = { ...state, ipvs, chosen: { at, how: 'ipvs' }, connection };
  if (server.forward !== 'masq') return here;
  return {
    ...here,
    destination: server.address.value,
    destinationPort: port,
    // The tracker expects no answers to what each packet is scheduled for (ip_vs_nfct.c, ip_vs_update_conntrack).
    connection:
      connection === null || typeof connection === 'string' || service.flags.includes('ops')
        ? connection
        : {
            ...connection,
            reply: { ...connection.reply, source: server.address.value, sourcePort: portsOf(port) },
          },
  };
};
