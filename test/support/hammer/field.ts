import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FAMILIES, type Family } from '../../../src/net/family.ts';
import { nodeProgram } from '../bundled.ts';
import { makeNamespace, mustRun, removeNamespace, type Namespace } from '../namespace.ts';
import { ALLOWED, GUARDED, NODE, REFUSED, TRANSLATED, VIPS } from './plan.ts';

// A node and a client that owns every source address, with something that counts packets in front of the guard and
// behind it.

export interface Field {
  readonly node: Namespace;
  readonly client: Namespace;
  readonly close: () => Promise<void>;
}

const both = (names: Readonly<Record<Family, readonly string[]>>, set: string): string =>
  FAMILIES.map(
    (family) => `set ${set}${family} { type ipv${family}_addr; elements = { ${names[family].join(', ')} }; }`,
  ).join('\n  ');

/**
 * What is counted at a place: packets of a client, or replies to one. At one VIP everybody is allowed, at the other
 * nobody is always refused.
 */
const counting = (where: string, client: 'saddr' | 'daddr', remembered = false): string => {
  const [node, port] = client === 'saddr' ? ['daddr', 'dport'] : ['saddr', 'sport'];
  return [
    `ip ${node} ${VIPS.open} meta l4proto { tcp, udp } th ${port} ${VIPS.port} counter name open-${where} accept`,
    ...(['allowed', 'refused'] as const).flatMap((set) =>
      ['ip', 'ip6'].map(
        (ip) =>
          `${set === 'refused' && ip === 'ip' ? `ip ${node} != ${VIPS.changing} ` : ''}${ip} ${client} @${set}${ip === 'ip' ? 4 : 6} meta l4proto { tcp, udp } th ${port} @guarded counter name ${set}-${where}${remembered && set === 'refused' ? ` update @leaked${ip === 'ip' ? 4 : 6} { ${ip} saddr . ${ip} daddr . meta l4proto . th dport . th sport }` : ''}`,
      ),
    ),
  ].join('\n    ');
};

const WITNESS = `table inet witness {
  ${both(ALLOWED, 'allowed')}
  ${both(REFUSED, 'refused')}
  ${FAMILIES.map((family) => `set leaked${family} { type ipv${family}_addr . ipv${family}_addr . inet_proto . inet_service . inet_service; flags dynamic,timeout; timeout 1d; size 64; }`).join('\n  ')}
  set guarded { type inet_service; elements = { ${[...GUARDED, VIPS.port].join(', ')} }; }
  ${['arriving', 'past', 'replying', 'leaving'].flatMap((where) => ['open', 'allowed', 'refused'].map((set) => `counter ${set}-${where} { }`)).join('\n  ')}
  chain before-the-guard {
    type filter hook prerouting priority -145;
    iifname != "eth0" accept
    ct direction reply accept
    ${counting('arriving', 'saddr')}
  }
  chain behind-the-guard {
    type filter hook prerouting priority -130;
    iifname != "eth0" accept
    ct direction reply accept
    ${counting('past', 'saddr', true)}
  }
  chain before-the-cut {
    type filter hook postrouting priority 105;
    ct direction original accept
    ct state related accept
    ${counting('replying', 'daddr')}
  }
  chain behind-the-cut {
    type filter hook postrouting priority 115;
    ct direction original accept
    ct state related accept
    ${counting('leaving', 'daddr')}
  }
}
table inet kube-proxy-like {
  chain nat { type nat hook prerouting priority dstnat; meta l4proto { tcp, udp } th dport ${TRANSLATED.from} redirect to :${TRANSLATED.to}; }
}
`;

/** Makes the two namespaces, `pclab-hammer-node` and `pclab-hammer-client`. */
export const makeField = async (): Promise<Field> => {
  const node = await makeNamespace('pclab-hammer-node');
  const client = await makeNamespace('pclab-hammer-client');
  await mustRun(
    ['ip', '-batch', '-'],
    `link add name eth0 netns ${node.name} type veth peer name eth0 netns ${client.name}\n`,
  );
  // An emulated machine falls behind for moments; the kernel's answers must not be rationed.
  await node.run(['sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv6.icmp.ratelimit=0']);
  await node.run(
    ['ip', '-batch', '-'],
    [
      'link set lo up',
      'link set eth0 up',
      `address add ${NODE[4]}/24 dev eth0`,
      `address add ${NODE[6]}/64 dev eth0 nodad`,
      ...[VIPS.open, VIPS.changing].map((address) => `address add ${address}/32 dev lo`),
      'route add default via 192.0.2.1',
      'route add default via 2001:db8:ff::1',
      '',
    ].join('\n'),
  );
  await client.run(['sysctl', '-qw', 'net.ipv6.ip_nonlocal_bind=1', 'net.ipv4.ip_nonlocal_bind=1']);
  await client.run(
    ['ip', '-batch', '-'],
    [
      'link set lo up',
      'link set eth0 up',
      'address add 192.0.2.1/24 dev eth0',
      'address add 2001:db8:ff::1/64 dev eth0 nodad',
      // Every address of these networks is the client's own.
      ...['9.255.255.0/24', '10.0.0.0/8', '2001:db8:8::/45'].map((prefix) => `route add local ${prefix} dev lo`),
      '',
    ].join('\n'),
  );
  await node.run(['nft', '-f', '-'], WITNESS);
  return {
    node,
    client,
    close: async () => {
      for (const { name } of [client, node]) await removeNamespace(name);
    },
  };
};

const COUNTED_EVERY_MS = 100;
const COUNTED_AT_MOST = 100;

/**
 * The witness's counters, by name, when nothing passes any more: clients that have ended leave packets in queues, the
 * server answers what waits for it, and a listing reads one counter after another. Fails where packets never end.
 */
export const counted = async (field: Field): Promise<ReadonlyMap<string, number>> => {
  let before = '';
  for (let times = 0; times < COUNTED_AT_MOST; times++) {
    const counters = await countedNow(field);
    const now = JSON.stringify([...counters]);
    if (now === before) return counters;
    before = now;
    await sleep(COUNTED_EVERY_MS);
  }
  throw new Error(`packets still pass after ${(COUNTED_EVERY_MS * COUNTED_AT_MOST) / 1000} s`);
};

/** Packets of refused clients that came past the guard, and how long ago: what is left of a day. */
export const leaked = async ({ node }: Field): Promise<string> => {
  const sets = await Promise.all(
    FAMILIES.map((family) => node.run(['nft', 'list', 'set', 'inet', 'witness', `leaked${family}`])),
  );
  return sets.flatMap((text) => /elements = \{[^}]*\}/.exec(text) ?? []).join('; ');
};

const countedNow = async ({ node }: Field): Promise<ReadonlyMap<string, number>> => {
  const listed = JSON.parse(await node.run(['nft', '-j', 'list', 'counters', 'table', 'inet', 'witness'])) as {
    readonly nftables: readonly { readonly counter?: { readonly name: string; readonly packets: number } }[];
  };
  return new Map(
    listed.nftables.flatMap(({ counter }) => (counter === undefined ? [] : [[counter.name, counter.packets]])),
  );
};

/** A program that runs in a namespace until its input ends. */
export interface Running {
  /** Gives it a line. */
  readonly tell: (line: string) => void;
  /** Waits for a line that it prints; null: it has ended. */
  readonly line: () => Promise<string | null>;
  /** Ends its input, and gives everything else that it printed. */
  readonly end: () => Promise<readonly string[]>;
  readonly kill: () => void;
}

/**
 * Clients and servers must not take the time that the changes need: the more changes, the more is tried. In an emulated
 * machine they have a processor of their own beside that of the tests (see machine-suite.ts).
 */
const PERL =
  process.env['PORTCULLIS_IN_VM'] === 'true' ? ['taskset', '--cpu-list', '1', 'perl'] : ['nice', '-n', '10', 'perl'];

/** Starts a program of this folder. Fails later, in `end`, where it does not end well. */
export const start = ({ inside }: Namespace, program: string, words: readonly (string | number)[]): Running => {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const command = program.endsWith('.pl') ? [...PERL, file] : nodeProgram(file);
  const [first, ...rest] = [...inside, ...command];
  const child: ChildProcess = spawn(first ?? '', [...rest, ...words.map(String)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('pipes were asked for');
  let said = '';
  stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const waiting: string[] = [];
  let partial = '';
  let wake = (): void => undefined;
  stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    waiting.push(...lines);
    wake();
  });
  const line = async (): Promise<string | null> => {
    while (waiting.length === 0) {
      if (child.exitCode !== null || child.signalCode !== null) {
        await closed;
        if (waiting.length === 0) return null;
      } else await Promise.race([new Promise<void>((resolve) => (wake = resolve)), closed]);
    }
    return waiting.shift() ?? null;
  };
  return {
    tell: (text) => void stdin.write(`${text}\n`),
    line,
    end: async () => {
      stdin.end();
      await closed;
      if (child.exitCode !== 0)
        throw new Error(`${program}: status ${child.exitCode} ${child.signalCode ?? ''}: ${said}`);
      return waiting.splice(0);
    },
    kill: () => void child.kill('SIGKILL'),
  };
};
