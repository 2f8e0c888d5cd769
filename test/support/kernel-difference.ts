import { formatAddress, parseAddress, type Address } from '../../src/net/address.ts';
import { single } from '../../src/ruleset/data-type.ts';
import type { Value } from '../../src/ruleset/data-type.ts';
import type { Field } from '../../src/ruleset/field.ts';
import type { Host } from '../../src/ruleset/host.ts';
import type { Ruleset } from '../../src/ruleset/ruleset.ts';
import { readDumps } from '../../src/parse/read-dumps.ts';
import { agreement } from '../../src/simulate/agreement.ts';
import { kernelHops } from '../../src/simulate/kernel-hops.ts';
import { onePacket, type PacketSet } from '../../src/simulate/packet-set.ts';
import { simulate, type OrderName } from '../../src/simulate/simulate.ts';
import { LAB_ADDRESSES, LAB_PORTS } from './random-nft.ts';
import type { Random } from './random.ts';
import { lengthOf } from './raw-packet.ts';
import type { Sender, SentPacket, TraceLab } from './trace-lab.ts';

/** Where the simulation and the kernel differ, with all that is needed to see it again. */
export interface Disagreement {
  readonly packet: string;
  readonly difference: string;
  readonly kernel: string;
}

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
};

const SYN = 2;
/** SYN and FIN together: the tracker calls it invalid. */
const NONSENSE = 3;

/** A packet from somewhere to somewhere; `id` must be used once only. */
export const randomPacket = (random: Random, id: number): SentPacket => {
  const family = random.once(4) ? 6 : 4;
  const { own, pods, beyond, clients } = LAB_ADDRESSES[family];
  const from = random.pick<Sender>(['outside', 'outside', 'pod', 'node']);
  const protocol = random.pick([6, 6, 6, 17, 17, family === 4 ? 1 : 58]);
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
      destination: address(random.pick<string>([...own, ...own, ...pods, ...beyond])),
      protocol,
      sourcePort: 1024 + (id % 30_000),
      destinationPort: random.pick(LAB_PORTS),
      tcpFlags: random.once(15) ? NONSENSE : SYN,
      id,
      ttl: random.once(5) ? 63 : 64,
      payload: random.pick([0, 0, 40]),
    },
  };
};

const ENTRY = { outside: 'eth0', pod: 'cni0' } as const;

/** The packet as the simulation is asked about it. */
export const asked = ({ from, packet }: SentPacket): PacketSet => {
  const { source, destination, protocol, sourcePort, destinationPort, tcpFlags, ttl } = packet;
  const isIcmp = protocol === 1 || protocol === 58;
  const fields = new Map<Field, Value>([
    ['length', single(lengthOf(packet))],
    ['ttl', single(ttl)],
    ['tcp-flags', single(tcpFlags)],
    ['dscp', single(0)],
    ['icmp-type', single(protocol === 1 ? 8 : 128)],
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
    state: protocol === 6 && tcpFlags === NONSENSE ? 'invalid' : 'new',
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

/** The ruleset that the kernel holds, without the tracer's own table. */
export const heldBy = async (lab: TraceLab, host: Host, iptables: boolean): Promise<Ruleset> => {
  const commands = [
    ['nft-list-ruleset.json', 'nft -j list ruleset'],
    ...(iptables
      ? [
          ['iptables-save.txt', 'iptables-nft-save'],
          ['ip6tables-save.txt', 'ip6tables-nft-save'],
          ['ipset-save.txt', 'ipset save'],
        ]
      : []),
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

/** Sends packets through the ruleset in force and compares each one's way with its simulation. */
export const differences = async (
  lab: TraceLab,
  ruleset: Ruleset,
  packets: readonly SentPacket[],
  order: readonly OrderName[],
): Promise<readonly Disagreement[]> => {
  const traced = await lab.send(packets);
  return packets.flatMap((sent, index) => {
    const events = traced[index] ?? [];
    const hops = kernelHops(events, (_family, table) => table === 'zz-trace');
    const told = agreement(simulate(ruleset, asked(sent), { order }), hops);
    if (told.agrees) return [];
    const kernel = events
      .filter(({ table }) => table !== 'zz-trace')
      .map(({ table, chain, event }) =>
        event.kind === 'rule'
          ? `${table} ${chain} #${event.handle} ${event.verdict}`
          : `${table} ${chain} ${event.kind}`,
      );
    return [{ packet: textOf(sent), difference: told.difference, kernel: kernel.join('; ') }];
  });
};
