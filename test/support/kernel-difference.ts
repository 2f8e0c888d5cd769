import { formatAddress } from '../../src/net/address.ts';
import { PROTOCOL_NUMBER } from '../../src/net/protocol.ts';
import { isAbsent } from '../../src/ruleset/absent.ts';
import { single } from '../../src/ruleset/values/data-type.ts';
import type { Value } from '../../src/ruleset/values/data-type.ts';
import type { Field } from '../../src/lower/field.ts';
import type { ConntrackEntry, Host } from '../../src/ruleset/host.ts';
import type { Ruleset } from '../../src/ruleset/ruleset.ts';
import type { TraceEvent } from '../../src/kernel-trace/nft-trace.ts';
import { readDumps } from '../../src/parse/read-dumps.ts';
import { compareWays } from '../../src/kernel-trace/compare-ways.ts';
import { onePacket, type PacketSet } from '../../src/simulate/state/packet-set.ts';
import type { OrderName } from '../../src/simulate/simulate.ts';
import { address } from './address.ts';
import { LAB_ADDRESSES, LAB_PORTS } from './lab-addresses.ts';
import { answersTo, flowKey, nextTo, trackedIn, type LaterPacket } from './later-packets.ts';
import type { Asked } from './random-ipvs.ts';
import type { Random } from './random.ts';
import { icmpTypeOf, lengthOf } from './raw-packet.ts';
import type { Sender, SentPacket, TraceLab } from './trace-lab.ts';

/** Where the simulation and the kernel differ, with all that is needed to see it again. */
export interface Disagreement {
  readonly packet: string;
  readonly difference: string;
  readonly kernel: string;
}

const SYN = 2;
/** SYN and FIN together: the tracker calls it invalid. */
const NONSENSE = 3;

/** A packet from somewhere to somewhere, more often than not to one of the services; `id` must be used once only. */
export const randomPacket = (random: Random, id: number, services: readonly Asked[] = []): SentPacket => {
  const service = services.length === 0 || random.once(4) ? null : random.pick(services);
  const family = service?.family ?? (random.once(4) ? 6 : 4);
  const { own, pods, beyond, clients } = LAB_ADDRESSES[family];
  const from = random.pick<Sender>(['outside', 'outside', 'pod', 'node']);
  const protocol =
    service === null || random.once(12)
      ? random.pick([6, 6, 6, 6, 17, 17, 17, 132, family === 4 ? 1 : 58])
      : PROTOCOL_NUMBER[service.protocol];
  const source =
    from === 'node'
      ? random.pick<string>(own)
      : from === 'pod'
        ? random.pick<string>([...pods, clients[0]])
        : random.pick<string>([...clients, ...clients, pods[2], own[0]]);
  return {
    from,
    packet: {
      source: address(source),
      destination: address(service?.address ?? random.pick<string>([...own, ...own, ...pods, ...beyond])),
      protocol,
      sourcePort: 1024 + (id % 30_000),
      destinationPort: service === null || service.port === 0 ? random.pick(LAB_PORTS) : service.port,
      tcpFlags: random.once(15) ? NONSENSE : SYN,
      id,
      ttl: random.once(5) ? 63 : 64,
      payload: random.pick([0, 0, 40]),
    },
  };
};

const ENTRY = { outside: 'eth0', pod: 'cni0' } as const;

/** The packet as the simulation is asked about it; `direction`: of an established connection. */
export const asked = ({ from, packet }: SentPacket, direction: 'original' | 'reply' | null = null): PacketSet => {
  const { source, destination, protocol, sourcePort, destinationPort, tcpFlags, ttl } = packet;
  const isIcmp = protocol === 1 || protocol === 58;
  const fields = new Map<Field, Value>([
    ['length', single(lengthOf(packet))],
    ['ttl', single(ttl)],
    ['tcp-flags', single(tcpFlags)],
    ['dscp', single(0)],
    ['icmp-type', single(icmpTypeOf(packet))],
    ['icmp-code', single(0)],
    ['socket-user', single(0)],
    ['socket-group', single(0)],
  ]);
  return onePacket({
    source,
    destination,
    protocol,
    sourcePort: isIcmp ? null : sourcePort,
    destinationPort: isIcmp ? null : destinationPort,
    entry: from === 'node' ? { kind: 'node' } : { kind: 'interface', name: ENTRY[from] },
    state: direction !== null ? 'established' : protocol === 6 && tcpFlags === NONSENSE ? 'invalid' : 'new',
    direction: direction ?? 'original',
    fields,
  });
};

/** What the lab's node is besides its rules. */
export const hostOf = async (lab: TraceLab): Promise<Host> => {
  const dumps = await Promise.all(
    (
      [
        ['ip-addr', 'ip -j -d addr show'],
        ['ip-link', 'ip -j -d link show'],
        ['ip-route', 'ip -j -4 route show table all'],
        ['ip-6-route', 'ip -j -6 route show table all'],
        ['ip-rule', 'ip -j -4 rule show'],
        ['ip-6-rule', 'ip -j -6 rule show'],
        ['sysctl', 'sysctl -a -e -r ^net.(ipv4|ipv6|bridge)'],
        ['ss-listening', 'ss -lntup'],
      ] as const
    ).map(async ([name, command]) => ({ name, text: await lab.run(command.split(' ')) })),
  );
  const read = readDumps(dumps);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value.ruleset.host;
};

/** Which of the two tools of iptables holds rules. */
export type Flavour = 'nft' | 'legacy';

/** The ruleset that the kernel holds, without the tracer's own table. */
export const heldBy = async (lab: TraceLab, host: Host, iptables: Flavour | null, ipvs: boolean): Promise<Ruleset> => {
  const commands = [
    ['nft-list-ruleset.json', 'nft -j list ruleset'],
    ...(iptables === null
      ? []
      : [
          [`iptables-${iptables}-save.txt`, `iptables-${iptables}-save`],
          [`ip6tables-${iptables}-save.txt`, `ip6tables-${iptables}-save`],
          ['ipset-save.txt', 'ipset save'],
        ]),
    ...(ipvs ? [['ipvsadm-Sn.txt', 'ipvsadm -S -n']] : []),
  ] as const;
  const dumps = await Promise.all(
    commands.map(async ([name = '', command = '']) => ({ name, text: await lab.run(command.split(' ')) })),
  );
  const read = readDumps(dumps);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { ruleset } = read.value;
  return { ...ruleset, host, tables: ruleset.tables.filter(({ name }) => name !== 'zz-trace') };
};

const textOf = ({ from, packet }: SentPacket): string =>
  `${from} ${formatAddress(packet.source)}:${packet.sourcePort} -> ${formatAddress(packet.destination)}:${packet.destinationPort} protocol ${packet.protocol} flags ${packet.tcpFlags} ttl ${packet.ttl} payload ${packet.payload}`;

const visitText = ({ engine, table, chain, event }: TraceEvent): string => {
  const at = `${engine === 'nft' ? '' : 'legacy '}${table} ${chain}`;
  return event.kind === 'rule'
    ? `${at} #${event.handle ?? event.number} ${event.verdict ?? ''}`
    : `${at} ${event.kind}${event.kind === 'packet' ? '' : ` ${event.number ?? ''}`}`;
};

/** What comparing came to: the disagreements, and how many packets were compared to their ends. */
export interface Compared {
  readonly found: readonly Disagreement[];
  readonly packets: number;
}

/** A packet to be sent, as the simulation is asked about it. */
interface Question {
  readonly sent: SentPacket;
  readonly direction: 'original' | 'reply' | null;
}

/**
 * Sends packets through the ruleset in force, and gives what compares each one's way with its simulation on the ruleset
 * as it then is.
 */
const sendAll = async (lab: TraceLab, questions: readonly Question[], order: readonly OrderName[]) => {
  const told = await lab.send(questions.map(({ sent }) => sent));
  return (ruleset: Ruleset): Compared => {
    // Tables of legacy iptables stay, empty, once they were used.
    const isLegacy = ruleset.tables.some(({ engine }) => engine === 'iptables-legacy');
    let whole = 0;
    const found = questions.flatMap(({ sent, direction }, index) => {
      const of = told[index];
      // Its trace was lost.
      if (of == null) return [];
      const { nft, legacy: all } = of;
      const legacy = isLegacy ? all : [];
      const { hops, compared } = compareWays(
        ruleset,
        asked(sent, direction),
        { nft, legacy, legacyMissing: null },
        order,
      );
      if (!compared.agrees || !compared.gaveUp) whole++;
      if (compared.agrees) return [];
      const kernel = hops.flatMap(({ entered, events }) => [...(entered === null ? [] : [entered]), ...events]);
      const packet = `${direction === null ? '' : `${direction} `}${textOf(sent)}`;
      return [{ packet, difference: compared.difference, kernel: kernel.map(visitText).join('; ') }];
    });
    return { found, packets: whole };
  };
};

/**
 * Flows with the flags that they have got in the meantime: a packet may give its connection some before rules see it.
 */
const withFlags = (before: readonly ConntrackEntry[], after: readonly ConntrackEntry[]): readonly ConntrackEntry[] => {
  const flags = new Map(after.map((flow) => [flowKey(flow), flow.flags]));
  return before.map((flow) => ({ ...flow, flags: flags.get(flowKey(flow)) ?? flow.flags }));
};

/**
 * Whether it is certain how a connection was rewritten: at a place where IPVS has a service, a rule may have done it,
 * and elsewhere a service for a mark. A service that schedules each packet has none.
 */
const isCertain = ({ ipvs }: Ruleset, { protocol, original, reply }: ConntrackEntry): boolean => {
  if (isAbsent(ipvs)) return true;
  const isRewritten = reply.source.value !== original.destination.value;
  if (isRewritten && ipvs.some(({ at }) => at === null)) return false;
  const services = ipvs.filter(
    ({ at }) =>
      at !== null &&
      PROTOCOL_NUMBER[at.protocol] === protocol &&
      at.address.value === original.destination.value &&
      (at.port === 0 || at.port === original.destinationPort),
  );
  return services.every(
    ({ flags, servers }) =>
      !flags.includes('ops') &&
      servers.some(
        ({ address: { value }, port, forward }) =>
          value === reply.source.value && (port === 0 || port === reply.sourcePort) && forward === 'masq',
      ),
  );
};

/** Compares the ways of packets of connections that others have begun. */
const sendLater = async (
  lab: TraceLab,
  ruleset: Ruleset,
  later: readonly LaterPacket[],
  before: readonly ConntrackEntry[],
  order: readonly OrderName[],
): Promise<{ readonly compared: Compared; readonly after: readonly ConntrackEntry[] }> => {
  const compare = await sendAll(lab, later, order);
  const after = await trackedIn(lab);
  const host = { ...ruleset.host, conntrack: withFlags(before, after) };
  return { compared: compare({ ...ruleset, host }), after };
};

/**
 * Sends packets through the ruleset in force, then the answers to those of which a connection has come about, then what
 * follows these, and compares each packet's way with its simulation.
 */
export const differences = async (
  lab: TraceLab,
  ruleset: Ruleset,
  packets: readonly SentPacket[],
  order: readonly OrderName[],
  nextId: () => number,
): Promise<Compared> => {
  const compare = await sendAll(
    lab,
    packets.map((sent) => ({ sent, direction: null })),
    order,
  );
  const begun = await trackedIn(lab);
  const certain = begun.filter((flow) => isCertain(ruleset, flow));
  const answers = answersTo(packets, certain, nextId);
  const answered = await sendLater(lab, ruleset, answers, begun, order);
  const next = await sendLater(lab, ruleset, nextTo(answers, answered.after, nextId), answered.after, order);
  const all = [compare(ruleset), answered.compared, next.compared];
  return {
    found: all.flatMap(({ found }) => found),
    packets: all.reduce((sum, { packets: count }) => sum + count, 0),
  };
};
