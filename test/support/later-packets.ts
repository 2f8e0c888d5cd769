import type { Address } from '../../src/net/address.ts';
import { readDumps } from '../../src/parse/read-dumps.ts';
import { isAbsent } from '../../src/ruleset/absent.ts';
import type { ConntrackEntry, Tuple } from '../../src/ruleset/host.ts';
import { address } from './address.ts';
import { LAB_ADDRESSES } from './lab-addresses.ts';
import type { Sender, SentPacket, TraceLab } from './trace-lab.ts';

/** The connections that the kernel tracks. */
export const trackedIn = async (lab: TraceLab): Promise<readonly ConntrackEntry[]> => {
  const [four, six] = await Promise.all(
    [[], ['-f', 'ipv6']].map((family) => lab.run(['conntrack', '-L', ...family, '-o', 'extended'])),
  );
  const read = readDumps([
    { name: 'conntrack', text: four ?? '' },
    { name: 'conntrack-6', text: six ?? '' },
  ]);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { conntrack } = read.value.ruleset.host;
  return isAbsent(conntrack) ? [] : conntrack;
};

const PORTLESS: ReadonlySet<number> = new Set([1, 58]);

const hasPorts = (flow: ConntrackEntry): boolean => !PORTLESS.has(flow.protocol);

const textOf = ({ source, destination, sourcePort, destinationPort }: Tuple): string =>
  `${source.value} ${sourcePort} ${destination.value} ${destinationPort}`;

/** Equal for the same connection. */
export const flowKey = ({ protocol, zone, original }: ConntrackEntry): string =>
  `${protocol} ${zone} ${textOf(original)}`;

/** A packet and the connection that it belongs to. */
export interface LaterPacket {
  readonly sent: SentPacket;
  /** The first packet of the connection. */
  readonly first: SentPacket;
  readonly flow: ConntrackEntry;
  readonly direction: 'original' | 'reply';
}

const isAmong = (list: readonly Address[], { family, value }: Address): boolean =>
  list.some((one) => one.family === family && one.value === value);

const known = (kind: 'own' | 'pods'): readonly Address[] =>
  ([4, 6] as const).flatMap((family) => LAB_ADDRESSES[family][kind].map(address));

const [OWN, PODS] = [known('own'), known('pods')];

/** Who is known by an address. */
const placeOf = (one: Address): Sender => (isAmong(OWN, one) ? 'node' : isAmong(PODS, one) ? 'pod' : 'outside');

const SYN_ACK = 0x12;
const ACK = 0x10;

/**
 * Numbers as packets of TCP count them, so that the tracker follows (test/support/raw-packet.ts: the first is 1000).
 */
const FIRST = 1000;
const ANSWER = 5000;

/**
 * Without ports connections are told apart by a number that may be rewritten as well, and is not read: only one without
 * a like is known.
 */
const isPlain = (flow: ConntrackEntry, flows: readonly ConntrackEntry[]): boolean =>
  flow.reply.source.value === flow.original.destination.value &&
  flow.reply.destination.value === flow.original.source.value &&
  flows.every((other) => other === flow || textOf(other.reply) !== textOf(flow.reply));

const isAlone = ({ packet }: SentPacket, packets: readonly SentPacket[]): boolean =>
  packets.every(
    (other) =>
      other.packet === packet ||
      other.packet.protocol !== packet.protocol ||
      other.packet.source.value !== packet.source.value ||
      other.packet.destination.value !== packet.destination.value,
  );

/** The first packets that made a connection that nobody has answered, with it. */
const unanswered = (
  packets: readonly SentPacket[],
  flows: readonly ConntrackEntry[],
): readonly (readonly [SentPacket, ConntrackEntry])[] =>
  packets.flatMap((sent): readonly (readonly [SentPacket, ConntrackEntry])[] => {
    const { source, destination, protocol, sourcePort, destinationPort } = sent.packet;
    const found = flows.filter(
      (flow) =>
        flow.protocol === protocol &&
        flow.original.source.value === source.value &&
        flow.original.destination.value === destination.value &&
        (!hasPorts(flow) ||
          (flow.original.sourcePort === sourcePort && flow.original.destinationPort === destinationPort)),
    );
    const [flow] = found;
    if (flow === undefined || found.length > 1 || !flow.flags.includes('UNREPLIED')) return [];
    if (!hasPorts(flow) && !(isPlain(flow, flows) && isAlone(sent, packets))) return [];
    return (protocol === 6 && flow.state === 'SYN_SENT') || protocol === 17 || !hasPorts(flow) ? [[sent, flow]] : [];
  });

/** The answers to first packets, from where these were sent on to. */
export const answersTo = (
  packets: readonly SentPacket[],
  flows: readonly ConntrackEntry[],
  nextId: () => number,
): readonly LaterPacket[] => {
  return unanswered(packets, flows).flatMap(([first, flow]): readonly LaterPacket[] => {
    const { packet } = first;
    const { source, destination, sourcePort, destinationPort } = flow.reply;
    const from = placeOf(source);
    // The node answers an echo request itself, and nobody hears of it (test/support/trace-listener.ts).
    if (from === 'node' && !hasPorts(flow)) return [];
    const answer: LaterPacket = {
      sent: {
        from,
        packet: {
          ...packet,
          source,
          destination,
          sourcePort: sourcePort ?? packet.sourcePort,
          destinationPort: destinationPort ?? packet.destinationPort,
          tcpFlags: SYN_ACK,
          sequence: ANSWER,
          acknowledgement: FIRST + 1 + (packet.protocol === 6 ? packet.payload : 0),
          isAnswer: true,
          id: nextId(),
          ttl: 64,
          payload: 0,
        },
      },
      first,
      flow,
      direction: 'reply',
    };
    return [answer];
  });
};

/** What those who began send next, where the tracker has seen the answer. */
export const nextTo = (
  answers: readonly LaterPacket[],
  flows: readonly ConntrackEntry[],
  nextId: () => number,
): readonly LaterPacket[] => {
  const answered = new Set(flows.filter(({ flags }) => !flags.includes('UNREPLIED')).map(flowKey));
  return answers
    .filter(({ flow }) => answered.has(flowKey(flow)))
    .map(({ first, flow }): LaterPacket => {
      const { packet } = first;
      const next = {
        ...packet,
        tcpFlags: ACK,
        sequence: FIRST + 1 + (packet.protocol === 6 ? packet.payload : 0),
        acknowledgement: ANSWER + 1,
        id: nextId(),
      };
      return { sent: { from: first.from, packet: next }, first, flow, direction: 'original' };
    });
};
