import type { Hook } from '../../ruleset/hook.ts';
import type { Context } from '../state/context.ts';
import { ACK, isIcmp, SYN, tcpFlags, type PacketSet } from '../state/packet-set.ts';
import {
  ANY_PORT,
  NO_PORT,
  onePort,
  SOURCES,
  thePort,
  type Connection,
  type State,
  type Tuple,
} from '../state/state.ts';

/** A port of which it may be known that there is none (null), or nothing (undefined). */
export const portsOf = (port: number | null | undefined) =>
  port === null ? NO_PORT : port === undefined ? ANY_PORT : onePort(port);

const reversed = ({ source, destination, sourcePort, destinationPort }: Tuple): Tuple => ({
  source: destination,
  destination: source,
  sourcePort: destinationPort,
  destinationPort: sourcePort,
});

/** A connection that begins with this packet (net/netfilter/nf_conntrack_core.c, init_conntrack). */
const begun = (state: State, kind: 'new' | 'related'): Connection => {
  const original: Tuple = {
    source: SOURCES,
    destination: state.destination,
    sourcePort: state.sourcePort,
    destinationPort: portsOf(state.destinationPort),
  };
  return {
    state: kind,
    direction: 'original',
    original,
    reply: reversed(original),
    dnatDone: false,
    snatDone: false,
    dnat: false,
    snat: false,
    confirmed: false,
    seenReply: false,
    assured: false,
    mark: 0n,
    zone: state.template === null ? 0n : state.template.zone,
  };
};

/**
 * The tracker looks at a packet that it has not seen yet; a template of the connection is used up (nf_conntrack_core.c,
 * nf_conntrack_in).
 */
export const trackPacket = (context: Context, state: State): State =>
  state.connection === null ? { ...found(context, state), template: null } : state;

/** What cannot be told of a zone is taken for the same. */
const isInZone = ({ template }: State, { zone }: Connection): boolean => {
  const wanted = template === null ? 0n : template.zone;
  return wanted === undefined || zone === undefined || wanted === zone;
};

/**
 * A connection can be picked up in its middle, but not by the answer to its first packet (nf_conntrack_proto_tcp.c,
 * tcp_new; …_icmp.c).
 */
const beginsAgain = (packet: PacketSet): boolean =>
  isIcmp(packet) ? packet.direction === 'original' : tcpFlags(packet, SYN | ACK) !== (SYN | ACK);

/** What the tracker finds. */
const found = (context: Context, state: State): State => {
  const { packet, earlier } = context;
  if (packet.state === 'untracked' || packet.state === 'invalid') return { ...state, connection: packet.state };
  if (packet.state !== 'established') return { ...state, connection: begun(state, packet.state) };
  // Connections of other zones are not found (net/netfilter/nf_conntrack_core.c, resolve_normal_ct).
  if (earlier !== null && isInZone(state, earlier)) return { ...state, connection: earlier };
  const first = begun(state, 'new');
  if (earlier !== null) return { ...state, connection: beginsAgain(packet) ? first : 'invalid' };
  return {
    ...state,
    connection: {
      ...first,
      state: 'established',
      direction: packet.direction,
      ...(packet.direction === 'reply' ? { original: first.reply, reply: first.original } : {}),
      dnatDone: true,
      snatDone: true,
      confirmed: true,
      seenReply: true,
      assured: true,
      mark: undefined,
    },
  };
};

/** The packet is on its way out or in: its connection is entered (nf_conntrack_confirm). */
export const confirmed = (state: State): State => {
  const { connection } = state;
  return connection === null || typeof connection === 'string' || connection.confirmed
    ? state
    : { ...state, connection: { ...connection, confirmed: true } };
};

/** Whether the nat chains of a hook are asked, and why not. */
export const natAsked = (state: State, hook: Hook): 'asked' | 'decided' | 'untracked' | 'invalid' => {
  const { connection } = state;
  if (connection === null || connection === 'untracked') return 'untracked';
  if (connection === 'invalid') return 'invalid';
  const done = hook === 'prerouting' || hook === 'output' ? connection.dnatDone : connection.snatDone;
  return done ? 'decided' : 'asked';
};

/** Nothing was mapped at a hook: that, too, is for the connection's life (nf_nat_core.c, nf_nat_alloc_null_binding). */
export const natDone = (state: State, hook: Hook): State => {
  const { connection } = state;
  if (connection === null || typeof connection === 'string') return state;
  const which = hook === 'prerouting' || hook === 'output' ? 'dnatDone' : 'snatDone';
  return connection[which] ? state : { ...state, connection: { ...connection, [which]: true } };
};

/** Whether packets of this direction go to another address than they were sent to. */
export const isRedirected = ({ connection }: State): boolean => {
  if (connection === null || typeof connection === 'string') return false;
  const { direction, original, reply } = connection;
  const [own, other] = direction === 'original' ? [original, reply] : [reply, original];
  return typeof other.source === 'bigint' && other.source !== own.destination;
};

/**
 * The rewriting of a packet whose connection was decided before (nf_nat_core.c, nf_nat_packet); null: none at this
 * hook.
 */
export const translated = (state: State, hook: Hook): State | null => {
  const { connection } = state;
  if (connection === null || typeof connection === 'string' || connection.state !== 'established') return null;
  const { direction, original, reply, dnat, snat } = connection;
  const ofDestination = hook === 'prerouting' || hook === 'output';
  const mapped = ofDestination === (direction === 'original') ? dnat : snat;
  if (!mapped) return null;
  const other = direction === 'original' ? reply : original;
  if (ofDestination)
    return typeof other.source === 'bigint'
      ? {
          ...state,
          destination: other.source,
          destinationPort: other.sourcePort.length === 0 ? null : (thePort(other.sourcePort) ?? undefined),
          chosen: direction === 'original' ? decidedBefore(state) : state.chosen,
        }
      : null;
  return { ...state, source: other.destination, sourcePort: other.destinationPort, translatedSource: true };
};

const decidedBefore = ({ sources: { family } }: State): State['chosen'] => ({
  at: { kind: 'routing', family, table: 'conntrack', text: 'the connection was decided by its first packet' },
  how: 'earlier',
});
