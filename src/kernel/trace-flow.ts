import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { formatAddress, type Address } from '../net/address.ts';
import type { Protocol } from '../net/protocol.ts';
import { readNftTraceLine, type TraceEvent } from '../parse/kernel-trace.ts';
import { failureOf, runCommand } from './command.ts';

/** The tracer's own table: one rule that switches the kernel's tracing on for one flow, in front of everything that could change it. */
export const TRACER = { family: 'inet', table: 'portcullis_trace' } as const;

/** What is traced. */
export interface Flow {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  readonly port: number;
  /** A program of this node sends: the packet begins at the output hook. */
  readonly fromNode: boolean;
}

const arming = ({ source, destination, protocol, port, fromNode }: Flow): string => {
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
const send = ({ source, destination, protocol, port }: Flow): void => {
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

/** Events of the first packet alone: the numbers of traces are used again, and the answer to a packet has its own. */
const firstPacket = (events: readonly TraceEvent[]): readonly TraceEvent[] => {
  const [first] = events;
  if (first === undefined) return [];
  const sameId = events.filter(({ id }) => id === first.id);
  const ipId = sameId.find(({ header }) => header !== null)?.header?.ipId ?? null;
  const other = sameId.findIndex(({ header }) => header !== null && header.ipId !== ipId);
  return other === -1 ? sameId : sameId.slice(0, other);
};

/**
 * Arms the kernel's tracing for one flow, sends its first packet (from the node) or waits up to `waitMs` milliseconds for it, and gives the
 * kernel's events about it. Disarms in any case, also when `signal` is aborted. Only nftables and iptables-nft tell their way so.
 */
export const traceFlow = async (
  flow: Flow,
  waitMs: number,
  signal: AbortSignal,
  ready: () => void,
): Promise<Result<readonly TraceEvent[]>> => {
  await disarm();
  const monitor = spawn('nft', ['-a', 'monitor', 'trace'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const events: TraceEvent[] = [];
  let last = 0;
  createInterface({ input: monitor.stdout }).on('line', (line) => {
    const event = readNftTraceLine(line);
    if (event === null) return;
    events.push(event);
    last = performance.now();
  });
  try {
    const armed = await runCommand(['nft', '-f', '-'], { stdin: arming(flow) });
    if (armed.kind !== 'done' || armed.status !== 0)
      return fail(
        error('trace-arm', `tracing cannot be switched on: ${failureOf(armed)}`, undefined, 'It needs root and nft'),
      );
    // The monitor needs a moment to listen.
    await sleep(300);
    const sends = flow.fromNode && flow.protocol !== 'sctp';
    if (!sends) ready();
    const end = performance.now() + waitMs;
    let sentAt = -Infinity;
    while (performance.now() < end && !signal.aborted) {
      if (last > 0 && performance.now() - last > QUIET_MS) break;
      // On a busy node the monitor can begin to listen after the first packet has passed.
      if (sends && last === 0 && performance.now() - sentAt > AGAIN_MS) {
        send(flow);
        sentAt = performance.now();
      }
      await sleep(50);
    }
    const own = firstPacket(events).filter(
      ({ family, table }) => !(family === TRACER.family && table === TRACER.table),
    );
    return ok(own);
  } finally {
    monitor.kill('SIGKILL');
    await disarm();
  }
};
