import type { Address } from '../../net/address.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { ConntrackEntry, Tuple as FlowTuple } from '../../ruleset/host.ts';
import type { Context } from '../state/context.ts';
import { sysctl } from '../host/host-index.ts';
import { serviceAt } from './ipvs.ts';
import { NO_PORT, onePort, type Balance, type Connection, type Tuple } from '../state/state.ts';

const portsOf = (port: number | null) => (port === null ? NO_PORT : onePort(port));

const tupleOf = ({ source, destination, sourcePort, destinationPort }: FlowTuple): Tuple => ({
  source: source.value,
  destination: destination.value,
  sourcePort: portsOf(sourcePort),
  destinationPort: portsOf(destinationPort),
});

const isAt = (address: Address, value: bigint | null): boolean => value === null || address.value === value;

const flowOf = (context: Context, point: bigint | null): ConntrackEntry | null => {
  const { conntrack } = context.ruleset.host;
  const { packet } = context;
  if (isAbsent(conntrack) || point === null) return null;
  const side = packet.direction;
  return (
    conntrack.find((flow) => {
      const tuple = flow[side];
      return (
        flow.family === context.family &&
        flow.protocol === packet.protocol &&
        isAt(tuple.source, point) &&
        isAt(tuple.destination, packet.destination) &&
        tuple.destinationPort === packet.destinationPort &&
        (packet.sourcePort === null || tuple.sourcePort === packet.sourcePort)
      );
    }) ?? null
  );
};

/** What is known of the connection to which an established packet belongs. */
export interface Earlier {
  readonly earlier: Connection;
  readonly balanced: Balance | null;
}

/**
 * IPVS has the tracker expect answers from its server (net/netfilter/ipvs/ip_vs_nfct.c), as a rewriting of the
 * destination does.
 */
const balanceOf = (context: Context, { original, reply }: ConntrackEntry): Balance | null => {
  const { ipvs } = context.ruleset;
  const { destination, destinationPort } = original;
  const [address, port] = [reply.source, reply.sourcePort];
  // Without this setting IPVS leaves connections to itself, so that a rule has rewritten this one (include/net/ip_vs.h,
  // ip_vs_conntrack_enabled).
  const isTold = sysctl(context.index, 'net.ipv4.vs.conntrack') !== '0';
  if (isAbsent(ipvs) || !isTold || address.value === destination.value) return null;
  const service = serviceAt(context, ipvs, destination.value, destinationPort);
  if (service === null) return null;
  // Where it has been taken from the service, its connections go on.
  const server = service.servers.find((one) => one.address.value === address.value && one.port === port) ?? {
    address,
    port: port ?? 0,
    forward: 'masq',
    weight: 0,
    active: null,
  };
  return { service, server, port };
};

/** The connection that the tracker's dump holds for an established packet; null: none. */
export const knownConnection = (context: Context, point: bigint | null): Earlier | null => {
  const flow = flowOf(context, point);
  if (flow === null) return null;
  const [original, reply] = [tupleOf(flow.original), tupleOf(flow.reply)];
  const balanced = balanceOf(context, flow);
  const dnat = reply.source !== original.destination || flow.reply.sourcePort !== flow.original.destinationPort;
  const earlier: Connection = {
    state: 'established',
    direction: context.packet.direction,
    original,
    reply,
    dnatDone: true,
    snatDone: true,
    dnat: dnat && balanced === null,
    snat: reply.destination !== original.source || flow.reply.destinationPort !== flow.original.sourcePort,
    confirmed: true,
    // This one may be the first answer.
    seenReply: context.packet.direction === 'reply' || !flow.flags.includes('UNREPLIED'),
    assured: flow.flags.includes('ASSURED'),
    mark: BigInt(flow.mark),
    zone: BigInt(flow.zone),
  };
  return { earlier, balanced };
};

/** The same connection once an answer has come. */
export const established = (connection: Connection): Connection => ({
  ...connection,
  state: 'established',
  dnatDone: true,
  snatDone: true,
  confirmed: true,
  seenReply: true,
  assured: true,
});
