import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { formatAddress } from '../../src/net/address.ts';
import { readNftTraceLine, type TraceEvent } from '../../src/parse/kernel-trace.ts';
import { mustRun, removeNamespace } from './namespace.ts';
import { packetBytes, type RawPacket } from './raw-packet.ts';

/** Where a packet of a trace lab is sent from. */
export type Sender = 'outside' | 'pod' | 'node';

export interface SentPacket {
  readonly from: Sender;
  readonly packet: RawPacket;
}

/** A node in a namespace of its own, with a machine outside and one that stands for its pods; what it does with packets is traced. */
export interface TraceLab {
  readonly run: (argv: readonly string[], stdin?: string) => Promise<string>;
  /** Sends packets one after another and gives what the kernel told about each. Their `id` must differ. */
  readonly send: (packets: readonly SentPacket[]) => Promise<readonly (readonly TraceEvent[])[]>;
  readonly close: () => Promise<void>;
}

const TRACER = `
table inet zz-trace {
  chain in { type filter hook prerouting priority -350; iifname != "lo" meta nftrace set 1; }
  chain out { type filter hook output priority -350; meta nftrace set 1; }
}
`;

/** The machines outside and the pods are silent: they take everything and answer nothing. */
const SILENT = 'table inet silent { chain in { type filter hook input priority 0; policy drop; }; }';

const NODE_ADDRESSES: readonly (readonly [string, string])[] = [
  ['eth0', '192.0.2.10/24'],
  ['eth0', '192.0.2.20/24'],
  ['cni0', '10.244.1.1/24'],
  ['eth0', '2001:db8:0:2::10/64'],
  ['cni0', 'fd00:10:244:1::1/64'],
];

interface Talker {
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
}

const talker = (argv: readonly [string, ...string[]]): Talker => {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no output');
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
};

const PROGRAM = new URL('send-raw.pl', import.meta.url).pathname;

/** The last packet of a batch goes to the discard port: once it is seen, all before it have been told. Numbers from here on are its own. */
const FIRST_SENTINEL = 60_000;

const sentinel = (id: number): RawPacket => ({
  source: { family: 4, value: 0xc000_0232n },
  destination: { family: 4, value: 0xc000_020an },
  protocol: 17,
  sourcePort: 9,
  destinationPort: 9,
  tcpFlags: 0,
  id,
  ttl: 64,
  payload: 0,
});

/** Sets a trace lab up; its namespaces begin with `name`. */
export const traceLab = async (name: string): Promise<TraceLab> => {
  const [node, outside, pods] = [`${name}-node`, `${name}-out`, `${name}-pod`];
  const spaces = [node, outside, pods];
  for (const space of spaces) {
    await removeNamespace(space);
    await mustRun(['ip', 'netns', 'add', space]);
  }
  const inside = (space: string, ...argv: readonly string[]) => mustRun(['ip', 'netns', 'exec', space, ...argv]);
  await inside(node, 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'up0', 'netns', outside);
  await inside(node, 'ip', 'link', 'add', 'cni0', 'type', 'veth', 'peer', 'name', 'up0', 'netns', pods);
  for (const [key, value] of [
    ['net.ipv4.ip_forward', '1'],
    ['net.ipv6.conf.all.forwarding', '1'],
    ['net.ipv4.icmp_ratelimit', '0'],
    ['net.ipv6.icmp.ratelimit', '0'],
    ['net.ipv4.conf.all.rp_filter', '0'],
    ['net.ipv4.conf.default.rp_filter', '0'],
    ['net.ipv4.conf.eth0.rp_filter', '0'],
    ['net.ipv4.conf.cni0.rp_filter', '0'],
    ['net.ipv4.conf.all.send_redirects', '0'],
    ['net.ipv4.conf.eth0.send_redirects', '0'],
    ['net.ipv4.conf.cni0.send_redirects', '0'],
  ] as const)
    await inside(node, 'sysctl', '-qw', `${key}=${value}`);
  for (const [device, address] of NODE_ADDRESSES)
    await inside(node, 'ip', 'addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
  for (const device of ['lo', 'eth0', 'cni0']) await inside(node, 'ip', 'link', 'set', device, 'up');
  for (const space of [outside, pods]) {
    await inside(space, 'ip', 'link', 'set', 'up0', 'up');
    await inside(space, 'ip', 'link', 'set', 'lo', 'up');
    await mustRun(['ip', 'netns', 'exec', space, 'nft', '-f', '-'], SILENT);
  }
  // Nobody answers ARP here: neighbours are written down.
  const mac = async (space: string, device: string): Promise<string> =>
    (JSON.parse(await inside(space, 'ip', '-j', 'link', 'show', device)) as { address: string }[])[0]?.address ?? '';
  const neighbours = async (device: string, space: string, addresses: readonly string[]) => {
    const hardware = await mac(space, 'up0');
    for (const address of addresses)
      await inside(node, 'ip', 'neigh', 'replace', address, 'lladdr', hardware, 'dev', device);
    const own = await mac(node, device);
    for (const [family, via] of [
      ['-4', '169.254.0.1'],
      ['-6', 'fe80::1'],
    ] as const) {
      await inside(space, 'ip', family, 'neigh', 'replace', via, 'lladdr', own, 'dev', 'up0');
      await inside(space, 'ip', family, 'route', 'add', 'default', 'via', via, 'dev', 'up0', 'onlink');
    }
  };
  await inside(outside, 'ip', 'addr', 'add', '169.254.0.9/32', 'dev', 'up0');
  await inside(pods, 'ip', 'addr', 'add', '169.254.0.9/32', 'dev', 'up0');
  await neighbours('eth0', outside, ['192.0.2.1', '192.0.2.50', '192.0.2.11', '2001:db8:0:2::1', '2001:db8:0:2::50']);
  await neighbours('cni0', pods, [
    '10.244.1.64',
    '10.244.1.66',
    '10.244.1.99',
    'fd00:10:244:1::64',
    'fd00:10:244:1::66',
    'fd00:10:244:1::99',
  ]);
  for (const route of [
    'route add default via 192.0.2.1 dev eth0',
    'route add 10.244.2.0/24 via 192.0.2.11 dev eth0',
    'route add unreachable 203.0.113.99/32',
    'route add blackhole 203.0.113.98/32',
    'route add prohibit 203.0.113.97/32',
    'route add default via 10.244.1.64 dev cni0 table 100',
    'rule add fwmark 0x100/0x100 lookup 100 priority 1000',
    '-6 route add default via 2001:db8:0:2::1 dev eth0',
    '-6 route add unreachable 2001:db8:99::/48',
    '-6 route add default via fd00:10:244:1::64 dev cni0 table 100',
    '-6 rule add fwmark 0x100/0x100 lookup 100 priority 1000',
  ])
    await inside(node, 'ip', ...route.split(' '));
  await mustRun(['ip', 'netns', 'exec', node, 'nft', '-f', '-'], TRACER);
  const senders: Record<Sender, Talker> = {
    node: talker(['ip', 'netns', 'exec', node, 'perl', PROGRAM]),
    outside: talker(['ip', 'netns', 'exec', outside, 'perl', PROGRAM]),
    pod: talker(['ip', 'netns', 'exec', pods, 'perl', PROGRAM]),
  };
  const monitor = spawn('ip', ['netns', 'exec', node, 'nft', '-a', 'monitor', 'trace'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

  const say = async (from: Sender, lines: readonly string[]): Promise<void> => {
    const { child, lines: answers } = senders[from];
    child.stdin?.write(`${lines.join('\n')}\nsync done\n`);
    await answers.next();
  };
  const line = (packet: RawPacket): string =>
    `${packet.destination.family} ${formatAddress(packet.destination)} ${packetBytes(packet).toString('hex')}`;

  /** What the monitor has said and nobody has taken yet, and who waits for which sentinel. */
  let said: string[] = [];
  let waiting: { readonly sentinel: number; readonly done: (lines: readonly string[]) => void } | null = null;
  createInterface({ input: monitor.stdout }).on('line', (text) => {
    const isSentinel = / zz-trace in packet: .*\budp dport 9 /.test(`${text} `);
    if (!isSentinel) said.push(text);
    else if (waiting !== null && idOf(text) === waiting.sentinel) {
      const { done } = waiting;
      const taken = said;
      said = [];
      waiting = null;
      done(taken);
    }
  });
  let sentinels = 0;
  /** Sends a last packet and waits until the monitor has told of it; null: it did not within the time. */
  const settled = async (milliseconds: number): Promise<readonly string[] | null> => {
    sentinels = (sentinels % 5_000) + 1;
    const id = FIRST_SENTINEL + sentinels;
    const seen = new Promise<readonly string[]>((done) => {
      waiting = { sentinel: id, done };
    });
    await say('outside', [line(sentinel(id))]);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, milliseconds, null);
    });
    const result = await Promise.race([seen, late]);
    clearTimeout(timer);
    return result;
  };
  // The monitor takes a moment to listen: only then packets are sent.
  for (let tries = 0; (await settled(200)) === null; tries++) if (tries > 300) throw new Error('nft monitor is silent');

  return {
    run: (argv, stdin) => mustRun(['ip', 'netns', 'exec', node, ...argv], stdin),
    send: async (packets) => {
      for (const { from, packet } of packets) await say(from, [line(packet)]);
      const lines = await settled(60_000);
      if (lines === null) throw new Error('nft monitor is silent');
      return eventsByPacket(lines, packets);
    },
    close: async () => {
      for (const child of [...Object.values(senders).map((one) => one.child), monitor]) {
        child.kill('SIGKILL');
        await once(child, 'close');
      }
      for (const space of spaces) await removeNamespace(space);
    },
  };
};

/** The number by which a packet is known in a line that shows its header. */
const idOf = (text: string): number | null => {
  const [, four] = /\bip id (\d+)/.exec(text) ?? [];
  const [, six] = /\bip6 flowlabel (\d+)/.exec(text) ?? [];
  return four === undefined ? (six === undefined ? null : Number(six)) : Number(four);
};

const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' };

/** The node's own answers are traced as well, with numbers of their own that can coincide with those that were sent. */
const isAnswer = (text: string, { chain, header }: TraceEvent, { from, packet }: SentPacket): boolean =>
  header?.protocol !== PROTOCOL_NAMES[packet.protocol] ||
  (/ icmp(?:v6)? type /.test(text) && !text.includes('type echo-request')) ||
  (chain === 'out' && (from !== 'node' || (header?.sourcePort ?? packet.sourcePort) !== packet.sourcePort));

/**
 * Sorts lines by packet. The kernel's trace id is used again within a batch, and a packet that comes back over lo has another one: a line
 * with a header says whose lines of that id follow.
 */
const eventsByPacket = (
  lines: readonly string[],
  packets: readonly SentPacket[],
): readonly (readonly TraceEvent[])[] => {
  const byId = new Map(packets.map(({ packet }, index) => [packet.id, index]));
  const owners = new Map<string, number | null>();
  const events: TraceEvent[][] = packets.map(() => []);
  for (const text of lines) {
    const event = readNftTraceLine(text);
    if (event?.id == null) continue;
    // Every packet passes the tracer's table first, also when it comes back over lo.
    if (event.event.kind === 'packet' && event.table === 'zz-trace') {
      const owner = byId.get(idOf(text) ?? -1) ?? null;
      const sent = owner === null ? undefined : packets[owner];
      owners.set(event.id, sent === undefined || isAnswer(text, event, sent) ? null : owner);
    }
    const owner = owners.get(event.id);
    if (owner !== undefined && owner !== null) events[owner]?.push(event);
  }
  return events;
};
