import { setTimeout as sleep } from 'node:timers/promises';
import { FAMILIES, type Family } from '../net/family.ts';
import type { TraceEvent } from '../kernel-trace/nft-trace.ts';
import { readLegacyTrace } from '../kernel-trace/legacy-trace.ts';
import type { Logged } from '../kernel-trace/nflog.ts';
import { loggerOf, NFNETLINK_LOG, setLogger } from './nf-log.ts';
import { interfaceNames, openPacketLog } from './packet-log.ts';

/** Listens to what legacy iptables tells about traced packets, until it is closed. */
export interface LegacyReader {
  /** Why it does not hear anything, in words that follow a comma; null: it listens. */
  readonly missing: () => string | null;
  /** When it heard something last; 0: never. */
  readonly last: () => number;
  readonly events: () => Promise<readonly TraceEvent[]>;
  /** Ends the reader, and gives the kernel's log back to whom it belonged. */
  readonly close: () => Promise<void>;
}

const missingReader = (why: string): LegacyReader => ({
  missing: () => why,
  last: () => 0,
  events: () => Promise.resolve([]),
  close: () => Promise.resolve(),
});

/** A packet has some hundred messages; a busy flow is not remembered for ever. */
const MOST_MESSAGES = 20_000;

/** So long tcpdump may take to start. */
const START_MS = 10_000;

/**
 * Begins to listen to the TRACE messages of legacy iptables about packets of a family. From a network namespace they
 * reach the kernel's own log only where a global setting allows it, so they are taken from nfnetlink_log, to which this
 * namespace's are directed meanwhile.
 */
export const openLegacyReader = async (family: Family, signal: AbortSignal): Promise<LegacyReader> => {
  // tcpdump directs those of IPv4 itself and does not give them back (libpcap, pcap-netfilter-linux.c): both are
  // remembered before it starts.
  const before = FAMILIES.flatMap((one) => {
    const logger = loggerOf(one);
    return logger === null ? [] : [{ family: one, logger }];
  });
  // What could not be given back is not taken.
  if (!before.some((one) => one.family === family) || !before.every((one) => setLogger(one.family, one.logger)))
    return missingReader('/proc/sys/net/netfilter/nf_log cannot be set here');
  const heard: Logged[] = [];
  let last = 0;
  const log = openPacketLog((logged) => {
    if (!logged.prefix.startsWith('TRACE: ')) return;
    last = performance.now();
    if (heard.length < MOST_MESSAGES) heard.push(logged);
  });
  const { status } = log;
  let failed: string | null = null;
  const reader: LegacyReader = {
    // Ctrl-C ends tcpdump as well.
    missing: () => (status.ready && signal.aborted ? null : (failed ?? status.why)),
    last: () => last,
    events: async () => {
      const names = await interfaceNames();
      return heard.flatMap((logged) => readLegacyTrace(logged, names) ?? []);
    },
    close: async () => {
      await log.close();
      for (const one of before) if (loggerOf(one.family) !== one.logger) setLogger(one.family, one.logger);
    },
  };
  const end = performance.now() + START_MS;
  while (!status.ready && status.why === null && !signal.aborted && performance.now() < end) await sleep(20);
  if (!status.ready) failed = status.why ?? 'tcpdump does not start';
  else if (loggerOf(family) !== NFNETLINK_LOG && !setLogger(family, NFNETLINK_LOG))
    failed = '/proc/sys/net/netfilter/nf_log cannot be set here';
  return reader;
};
