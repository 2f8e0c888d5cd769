import { createSocket } from 'node:dgram';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { formatAddress, type Address } from '../net/address.ts';
import type { Protocol } from '../net/protocol.ts';
import type { TraceEvent } from '../kernel-trace/nft-trace.ts';
import { firstPacket, samePacket } from '../kernel-trace/one-packet.ts';
import { failureOf, runCommand } from './command.ts';
import { openLegacyReader } from './legacy-reader.ts';
import { openNftMonitor } from './nft-monitor.ts';

/**
 * The tracer's own table: one rule that switches the kernel's tracing on for one flow, in front of everything that
 * could change it.
 */
export const TRACER = { family: 'inet', table: 'portcullis_trace' } as const;

/** What is traced. */
export interface TracedFlow {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  readonly port: number;
  /** A program of this node sends: the packet begins at the output hook. */
  readonly fromNode: boolean;
}

const arming = ({ source, destination, protocol, port, fromNode }: TracedFlow): string => {
  const ip = source.family === 4 ? 'ip' : 'ip6';
  const match = `${ip} saddr ${formatAddress(source)} ${ip} daddr ${formatAddress(destination)} ${protocol} dport ${port}`;
  // Before connection tracking (-200) and iptables' raw tables (-300).
  return `table ${TRACER.family} ${TRACER.table} {
  chain ${fromNode ? 'output' : 'prerouting'} {
    type filter hook ${fromNode ? 'output' : 'prerouting'} priority -350; policy accept;
    ${match} meta nftrace set 1
  }
}
`;
};

const disarm = async (): Promise<void> => {
  await runCommand(['nft', 'delete', 'table', TRACER.family, TRACER.table]);
};

/** Sends one packet of the flow from this node: a connection attempt, or a datagram. */
const send = ({ source, destination, protocol, port }: TracedFlow): void => {
  if (protocol === 'tcp') {
    const socket = createConnection({
      host: formatAddress(destination),
      port,
      localAddress: formatAddress(source),
      timeout: 2000,
    });
    socket.on('error', () => socket.destroy());
    socket.on('connect', () => socket.destroy());
    socket.on('timeout', () => socket.destroy());
    return;
  }
  const socket = createSocket(source.family === 4 ? 'udp4' : 'udp6');
  socket.on('error', () => socket.close());
  socket.bind(0, formatAddress(source), () => {
    socket.send(Buffer.alloc(1), port, formatAddress(destination), () => socket.close());
  });
};

const AGAIN_MS = 2000;

/** After the last event of a packet comes nothing more; this long is waited to be sure. */
const QUIET_MS = 700;

/** The flow may not be quiet at all: its first packet has long gone its way then. */
const BUSY_MS = 3000;

/** What the kernel told about the first packet of a flow. */
export interface TracedPacket {
  readonly nft: readonly TraceEvent[];
  readonly legacy: readonly TraceEvent[];
  /** null: its protocol has none. */
  readonly sourcePort: number | null;
  /** Why legacy iptables could not be heard, in words that follow a comma. */
  readonly legacyMissing: string | null;
}

/** How long a trace takes, and what it listens to. */
export interface Tracing {
  /** Milliseconds that the packet may take to come. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Are there rules of legacy iptables? They tell their way elsewhere. */
  readonly legacy: boolean;
  /** Called when the packet can come. */
  readonly ready: () => void;
}

/**
 * Arms the kernel's tracing for one flow, sends its first packet (from the node) or waits for it, and gives what the
 * kernel told about it; null: none came. Disarms in any case, also when `signal` is aborted.
 */
export const traceFlow = async (
  flow: TracedFlow,
  { waitMs, signal, legacy, ready }: Tracing,
): Promise<Result<TracedPacket | null>> => {
  await disarm();
  const monitor = await openNftMonitor(signal);
  const reader = legacy ? await openLegacyReader(flow.source.family, signal) : null;
  try {
    const armed = await runCommand(['nft', '-f', '-'], { stdin: arming(flow) });
    if (armed.kind !== 'done' || armed.status !== 0)
      return fail(
        error('trace-arm', `tracing cannot be switched on: ${failureOf(armed)}`, undefined, 'It needs root and nft'),
      );
    const sends = flow.fromNode && flow.protocol !== 'sctp';
    if (!sends) ready();
    const end = performance.now() + waitMs;
    let sentAt = -Infinity;
    let seenAt: number | null = null;
    for (let now = performance.now(); now < end && !signal.aborted; now = performance.now()) {
      const last = Math.max(monitor.last(), reader?.last() ?? 0);
      if (seenAt === null && firstPacket(monitor.events, TRACER) !== null) seenAt = now;
      if (seenAt !== null && (now - last > QUIET_MS || now - seenAt > BUSY_MS)) break;
      // Where the monitor cannot be seen to listen, the first packet can have passed before.
      if (sends && seenAt === null && now - sentAt > AGAIN_MS) {
        send(flow);
        sentAt = now;
      }
      await sleep(50);
    }
    const first = firstPacket(monitor.events, TRACER);
    if (first === null) return ok(null);
    const told = samePacket((await reader?.events()) ?? [], first.header);
    return ok({
      nft: first.events,
      legacy: told,
      sourcePort: first.header.sourcePort,
      legacyMissing: reader?.missing() ?? null,
    });
  } finally {
    monitor.close();
    await disarm();
    await reader?.close();
  }
};
