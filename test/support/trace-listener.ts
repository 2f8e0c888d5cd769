import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { NFNETLINK_LOG } from '../../src/kernel/nf-log.ts';
import { interfaceNames, openPacketLog } from '../../src/kernel/packet-log.ts';
import { readNftTraceLine, type TraceEvent } from '../../src/kernel-trace/nft-trace.ts';
import { readLegacyTrace } from '../../src/kernel-trace/legacy-trace.ts';
import type { Logged } from '../../src/kernel-trace/nflog.ts';
import { mustRun } from './namespace.ts';

/**
 * What the kernel told about one packet: nftables and iptables-nft to `nft monitor`, legacy iptables to the packet log.
 */
export interface Told {
  readonly nft: readonly TraceEvent[];
  readonly legacy: readonly TraceEvent[];
}

/** What is heard of the kernel's tracing in a namespace. */
export interface TraceListener {
  /**
   * What was told, by the packets' numbers, up to the sentinel of this number; null: it was not heard of within the
   * time.
   */
  readonly upTo: (sentinel: number, milliseconds: number) => Promise<ReadonlyMap<number, Told> | null>;
  readonly close: () => Promise<void>;
}

/** UDP to this port, the discard port, is a sentinel. */
export const SENTINEL_PORT = 9;

const SENTINEL = 'sentinel';

/**
 * Switches tracing on for every packet but the node's own answers, which are none that was sent. A sentinel stands in
 * the packet log too, behind all that was said before, and has it handed on at once (net/netfilter/nfnetlink_log.c,
 * nfulnl_log_packet).
 */
export const TRACER = `
table inet zz-trace {
  chain in {
    type filter hook prerouting priority -350;
    iifname "lo" accept
    ip saddr 192.0.2.50 udp dport ${SENTINEL_PORT} log prefix "${SENTINEL}" group 0 queue-threshold 1
    meta nftrace set 1
  }
  chain out {
    type filter hook output priority -350;
    icmp type != echo-request accept
    icmpv6 type != echo-request accept
    tcp flags & rst == rst accept
    meta nftrace set 1
  }
}
`;

/** The number by which a packet is known in a line that shows its header. */
const idOf = (text: string): number | null => {
  const [, four] = /\bip id (\d+)/.exec(text) ?? [];
  const [, six] = /\bip6 flowlabel (\d+)/.exec(text) ?? [];
  return four === undefined ? (six === undefined ? null : Number(six)) : Number(four);
};

interface Mutable {
  readonly nft: TraceEvent[];
  readonly legacy: TraceEvent[];
}

/**
 * Sorts by packet what was told. nft's trace id is used again within a batch, and a packet that comes back over lo has
 * another one: a line with a header says whose lines of that id follow. Every packet passes the tracer's table first,
 * also when it comes back over lo. What is sent out by the node after it was on its way is a copy, and none of a
 * packet's own lines, unless it still has its id: IPVS sends it on.
 */
const byPacket = (lines: readonly string[], messages: readonly Logged[], names: ReadonlyMap<number, string>) => {
  const found = new Map<number, Mutable>();
  const of = (packet: number): Mutable => {
    const known = found.get(packet) ?? { nft: [], legacy: [] };
    found.set(packet, known);
    return known;
  };
  const owners = new Map<string, number | null>();
  const begun = new Set<number>();
  for (const text of lines) {
    const event = readNftTraceLine(text);
    if (event?.id == null) continue;
    if (event.table === 'zz-trace') {
      if (event.event.kind !== 'packet') continue;
      const packet = idOf(text);
      const isCopy = event.chain === 'out' && packet !== null && begun.has(packet) && owners.get(event.id) !== packet;
      owners.set(event.id, isCopy ? null : packet);
      if (packet !== null) begun.add(packet);
      continue;
    }
    const owner = owners.get(event.id) ?? null;
    if (owner !== null) of(owner).nft.push(event);
  }
  for (const logged of messages) {
    const event = readLegacyTrace(logged, names);
    const owner = logged.packet.id ?? logged.packet.flowLabel;
    if (event !== null && owner !== null) of(owner).legacy.push(event);
  }
  return found;
};

/**
 * Listens to all that the kernel tells in the namespace to which the words `inside` lead, and in which the tracer's
 * table is.
 */
export const openTraceListener = async (inside: readonly [string, ...string[]]): Promise<TraceListener> => {
  let lines: string[] = [];
  let messages: Logged[] = [];
  /** The last sentinel that each has heard of. */
  const sentinels = { monitor: 0, log: 0 };
  const monitor = spawn(inside[0], [...inside.slice(1), 'nft', '-a', 'monitor', 'trace'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: monitor.stdout }).on('line', (text) => {
    const isSentinel = new RegExp(` zz-trace in packet: .*\\budp dport ${SENTINEL_PORT} `).test(`${text} `);
    if (isSentinel) sentinels.monitor = idOf(text) ?? 0;
    else lines.push(text);
  });
  const log = openPacketLog((logged) => {
    if (logged.prefix === SENTINEL) sentinels.log = logged.packet.id ?? 0;
    else messages.push(logged);
  }, inside);
  while (!log.status.ready) {
    if (log.status.why !== null) throw new Error(log.status.why);
    await sleep(20);
  }
  // tcpdump has a say about IPv4 itself, before it is ready.
  for (const family of [2, 10])
    await mustRun([...inside, 'sysctl', '-qw', `net.netfilter.nf_log.${family}=${NFNETLINK_LOG}`]);
  const names = await interfaceNames(inside);
  return {
    upTo: async (sentinel, milliseconds) => {
      const end = performance.now() + milliseconds;
      while (sentinels.monitor !== sentinel || sentinels.log !== sentinel) {
        if (performance.now() > end) return null;
        await sleep(2);
      }
      const told = byPacket(lines, messages, names);
      lines = [];
      messages = [];
      return told;
    },
    close: async () => {
      monitor.kill('SIGKILL');
      await once(monitor, 'close');
      await log.close();
    },
  };
};
