import type { Address } from '../net/address.ts';
import { isAbsent } from '../ruleset/absent.ts';
import type { Flow, Tuple as FlowTuple } from '../ruleset/host.ts';
import type { Context } from './context.ts';
import { NO_PORT, onePort, type Connection, type Tuple } from './state.ts';

const portsOf = (port: number | null) => (port === null ? NO_PORT : onePort(port));

const tupleOf = ({ source, destination, sourcePort, destinationPort }: FlowTuple): Tuple => ({
  source: source.value,
  destination: destination.value,
  sourcePort: portsOf(sourcePort),
  destinationPort: portsOf(destinationPort),
});

const isAt = (address: Address, value: bigint | null): boolean => value === null || address.value === value;

const flowOf = (context: Context, point: bigint | null): Flow | null => {
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

/** The connection that the tracker's dump holds for an established packet; null: none. */
export const knownConnection = (context: Context, point: bigint | null): Connection | null => {
  const flow = flowOf(context, point);
  if (flow === null) return null;
  const [original, reply] = [tupleOf(flow.original), tupleOf(flow.reply)];
  return {
    state: 'established',
    direction: context.packet.direction,
    original,
    reply,
    dnatDone: true,
    snatDone: true,
    dnat: reply.source !== original.destination || flow.reply.sourcePort !== flow.original.destinationPort,
    snat: reply.destination !== original.source || flow.reply.destinationPort !== flow.original.sourcePort,
    confirmed: true,
    seenReply: !flow.flags.includes('UNREPLIED'),
    assured: flow.flags.includes('ASSURED'),
    mark: BigInt(flow.mark),
    zone: BigInt(flow.zone),
    helper: '',
  };
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
