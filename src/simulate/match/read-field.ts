import { isAbsent } from '../../ruleset/absent.ts';
import type { Value } from '../../ruleset/values/data-type.ts';
import { isFibField, type FibField, type Field, type ReversePathField } from '../../lower/field.ts';
import { addressType } from '../host/address-type.ts';
import type { Context } from '../state/context.ts';
import {
  hasNoConnection,
  SOURCES,
  thePort,
  type Connection,
  type PacketAddress,
  type Ports,
  type State,
} from '../state/state.ts';
import { fibLookup } from '../host/fib.ts';
import { isIcmp, SYN } from '../state/packet-set.ts';
import { fibKey, isWayBack, keyOfWayBack } from './way-back.ts';
import type { Point } from './element-index.ts';
import type { Masked } from './masked-sources.ts';

/**
 * What a field holds: a point; SOURCES: one of the state's set; one of these, masked; ports that it may be; null: the
 * packet has none (nothing matches); undefined: cannot be told.
 */
export type Held = Point | typeof SOURCES | { readonly masked: Masked } | { readonly ports: Ports } | null | undefined;

const portHeld = (ports: Ports): Held => {
  const one = thePort(ports);
  return one !== null ? BigInt(one) : ports.length === 0 ? undefined : { ports };
};

/**
 * What stands where a port would stand in a packet without ports cannot be told; a later fragment has nothing there.
 */
const headerPort = (context: Context, held: Held): Held =>
  stated(context, 'fragment') === 'later' ? null : held === null ? undefined : held;

const addressHeld = (address: PacketAddress, state: State): Held =>
  address === SOURCES && state.point !== null ? state.point : address;

const connectionOf = ({ connection }: State): Connection | null =>
  connection === null || typeof connection === 'string' ? null : connection;

/** Only the zone of a template is told: what else stands there differs from kernel to kernel. */
const isTemplate = (state: State): boolean => hasNoConnection(state) && state.template !== null;

const statusOf = (one: Connection): readonly string[] | undefined =>
  one.state === undefined
    ? undefined
    : [
        ...(one.seenReply ? ['seen-reply'] : []),
        ...(one.assured ? ['assured'] : []),
        ...(one.confirmed ? ['confirmed'] : []),
        ...(one.snat ? ['snat'] : []),
        ...(one.dnat ? ['dnat'] : []),
      ];

const yesNo = (holds: boolean): string => (holds ? 'yes' : 'no');

/** A fact that the question states; undefined where it does not. */
const stated = (context: Context, field: Field): Point | undefined => pointOf(context.packet.fields.get(field));

const isOrdinary = ({ packet }: Context): boolean => packet.unstated !== 'unknown';

/** What an ordinary packet has, where the question says nothing else. */
const ordinarily = (context: Context, point: Point): Point | undefined => (isOrdinary(context) ? point : undefined);

const pointOf = (value: Value | undefined): Point | undefined =>
  value === undefined ? undefined : value.kind === 'range' ? value.first : value.name;

const typeHeld = (
  context: Context,
  state: State,
  field: Field,
  address: PacketAddress,
  device: string | null,
): Held => {
  const given = stated(context, field);
  if (given !== undefined) return given;
  const held = addressHeld(address, state);
  // A set of sources is split by its types (match-step.ts).
  return typeof held === 'bigint' ? addressType(context.index, held, device) : undefined;
};

const tupleHeld = (field: Field, state: State): Held => {
  const connection = connectionOf(state);
  if (connection === null) return isTemplate(state) ? undefined : null;
  const tuple = field.startsWith('ct-original') ? connection.original : connection.reply;
  if (field.endsWith('source-port')) return portHeld(tuple.sourcePort);
  if (field.endsWith('destination-port')) return portHeld(tuple.destinationPort);
  return addressHeld(field.endsWith('source') ? tuple.source : tuple.destination, state);
};

/** What loops back needs no way back. */
const reversePath = (context: Context, state: State, field: ReversePathField): Held => {
  if (state.in === 'lo') return 'yes';
  const held = addressHeld(state.source, state);
  if (typeof held !== 'bigint') return undefined;
  const [found] = fibLookup(context.index, held, keyOfWayBack(state, field), null);
  const holds = found === undefined ? undefined : isWayBack(context, found.result, field, state.in);
  return holds === undefined ? undefined : yesNo(holds);
};

/**
 * net/ipv4/netfilter/nft_fib_ipv4.c and its like for IPv6: the node's own addresses are reached by no interface; for
 * what loops back nothing is looked up.
 */
const fibInterface = (context: Context, state: State, field: FibField): Held => {
  if (state.in === 'lo') return 'lo';
  const ofSource = field.startsWith('fib-source');
  const held = addressHeld(ofSource ? state.source : state.destination, state);
  if (typeof held !== 'bigint') return undefined;
  const [found] = fibLookup(context.index, held, fibKey(field.includes('-by-mark') ? state.mark : 0n), null);
  if (found === undefined || found.result.kind === 'unknown') return undefined;
  if (found.result.kind === 'none' || found.result.route.type !== 'unicast') return '';
  const { device, hops } = found.result.route;
  const devices = [device ?? '', ...hops.map((hop) => hop.device ?? '')];
  const only = field.endsWith('-if-in-interface') ? state.in : field.endsWith('-if-out-interface') ? state.out : null;
  if (only === null) return devices.find((one) => one !== '') ?? '';
  return devices.includes(only) ? only : '';
};

/** What a local program is known to be; other packets have no socket. */
const socketHeld = (context: Context, state: State, field: Field): Held =>
  state.hasSocket ? stated(context, field) : null;

const bridgePort = (context: Context, state: State, field: Field): Held => {
  const given = stated(context, field);
  if (given !== undefined) return given;
  const { links } = context.index.host;
  if (isAbsent(links)) return undefined;
  const name = field === 'in-bridge-port' ? state.in : state.out;
  // Only what comes by a bridge has a port of it.
  return links.some(({ master }) => master === name && name !== '') ? undefined : '';
};

const ipvsHeld = ({ packet }: Context, { ipvs }: State, field: Field): Held => {
  if (field === 'ipvs-connection') return yesNo(ipvs !== null);
  if (ipvs === null) return null;
  // An answer has been rewritten before, so that its connection may not be found by it (net/netfilter/xt_ipvs.c,
  // ipvs_mt).
  if (packet.direction === 'reply') return undefined;
  const { at } = ipvs.service;
  switch (field) {
    case 'ipvs-virtual-address':
      return at?.address.value;
    case 'ipvs-virtual-port':
      return at === null ? undefined : BigInt(at.port);
    case 'ipvs-direction':
      return 'original';
    default:
      return undefined;
  }
};

/** include/uapi/linux/netfilter.h, NFPROTO_IPV4 and NFPROTO_IPV6. */
const FAMILY_NUMBER = { 4: 2n, 6: 10n } as const;

/** What a field holds for the packets of a state. */
export const readField = (context: Context, state: State, field: Field): Held => {
  switch (field) {
    case 'family':
      return FAMILY_NUMBER[context.family];
    case 'protocol':
      return BigInt(context.packet.protocol);
    case 'source':
      return addressHeld(state.source, state);
    case 'destination':
      return addressHeld(state.destination, state);
    case 'source-port':
      return headerPort(context, portHeld(state.sourcePort));
    case 'destination-port':
      return headerPort(
        context,
        typeof state.destinationPort === 'number' ? BigInt(state.destinationPort) : state.destinationPort,
      );
    case 'direction':
      return ofConnection(state, ({ direction }) => direction);
    case 'in-interface':
      return state.in;
    case 'out-interface':
      return state.out;
    case 'source-type':
      return typeHeld(context, state, field, state.source, null);
    case 'destination-type':
      return typeHeld(context, state, field, state.destination, null);
    case 'source-type-on-in-interface':
      return typeHeld(context, state, field, state.source, state.in);
    case 'source-type-on-out-interface':
      return typeHeld(context, state, field, state.source, state.out);
    case 'destination-type-on-in-interface':
      return typeHeld(context, state, field, state.destination, state.in);
    case 'destination-type-on-out-interface':
      return typeHeld(context, state, field, state.destination, state.out);
    case 'mark':
      return state.mark;
    case 'ct-mark':
      return ofConnection(state, ({ mark }) => mark);
    case 'ct-zone':
      return isTemplate(state) ? state.template?.zone : ofConnection(state, ({ zone }) => zone);
    // Whether another connection expected it is not told of one that goes on.
    case 'ct-helper':
      return ofConnection(state, (connection) => (connection.state === 'new' ? null : undefined));
    case 'ct-state':
      return stateHeld(state);
    case 'ct-status':
      return ofConnection(state, statusOf);
    case 'ct-family':
      return ofConnection(state, () => FAMILY_NUMBER[context.family]);
    case 'ct-protocol':
      return ofConnection(state, () => BigInt(context.packet.protocol));
    case 'ct-original-source':
    case 'ct-original-destination':
    case 'ct-original-source-port':
    case 'ct-original-destination-port':
    case 'ct-reply-source':
    case 'ct-reply-destination':
    case 'ct-reply-source-port':
    case 'ct-reply-destination-port':
      return tupleHeld(field, state);
    case 'tcp-flags':
      if (context.packet.protocol !== 6) return null;
      return stated(context, field) ?? (context.packet.state === 'new' && isOrdinary(context) ? SYN : undefined);
    case 'icmp-type':
    case 'icmp-code':
      return isIcmp(context.packet) ? stated(context, field) : null;
    case 'fragment':
      return stated(context, field) ?? ordinarily(context, 'first');
    case 'extension-header':
      return stated(context, field) ?? ordinarily(context, []);
    case 'ttl':
      return state.ttl;
    case 'dscp':
      return state.dscp;
    case 'length':
      return state.length;
    case 'ether-type':
      return context.family === 4 ? 0x0800n : 0x86ddn;
    case 'packet-type':
      return packetType(context, state);
    case 'sending-socket':
      return yesNo(state.hasSocket);
    case 'socket-user':
    case 'socket-group':
      return socketHeld(context, state, field);
    case 'in-bridge-port':
    case 'out-bridge-port':
      return bridgePort(context, state, field);
    case 'bridged':
      return stated(context, field) ?? ordinarily(context, 'no');
    case 'ipvs-connection':
    case 'ipvs-protocol':
    case 'ipvs-virtual-address':
    case 'ipvs-virtual-port':
    case 'ipvs-direction':
    case 'ipvs-method':
    case 'ipvs-virtual-control-port':
      return ipvsHeld(context, state, field);
    case 'ct-expiration':
    case 'ct-volume':
    case 'tcp-option':
    case 'source-mac':
    case 'destination-mac':
    case 'socket':
    case 'socket-transparent':
    case 'socket-mark':
      return stated(context, field);
    default:
      return isFibField(field) ? fibInterface(context, state, field) : reversePath(context, state, field);
  }
};

/** Of a connection; a packet without one has nothing, and what a template has cannot be told. */
const ofConnection = (state: State, of: (connection: Connection) => Held): Held => {
  const connection = connectionOf(state);
  return connection === null ? (isTemplate(state) ? undefined : null) : of(connection);
};

/**
 * What the tracker has not seen counts as invalid, or, where it has a template of a connection, as new
 * (net/netfilter/nft_ct.c, nft_ct_get_eval; xt_conntrack.c).
 */
const stateHeld = (state: State): string | undefined => {
  const { connection } = state;
  if (isTemplate(state)) return 'new';
  if (connection === null || connection === 'invalid') return 'invalid';
  return connection === 'untracked' ? connection : connection.state;
};

/** iptables and nft have different names for it. */
const TO_THIS_HOST = ['unicast', 'host'] as const;

const packetType = (context: Context, state: State): Held => {
  const given = stated(context, 'packet-type');
  if (given !== undefined) return given === 'unicast' ? TO_THIS_HOST : given;
  if (!isOrdinary(context)) return undefined;
  const type = addressType(context.index, context.packet.destination, null);
  return type === 'broadcast' || type === 'multicast' ? type : state.in === 'lo' ? undefined : TO_THIS_HOST;
};
