import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAMILIES, type Family } from '../net/family.ts';
import { parseIpJson } from '../parse/ip-json.ts';
import type { TraceEvent } from '../parse/kernel-trace.ts';
import { readLegacyTrace } from '../parse/legacy-trace.ts';
import { LINKTYPE_NFLOG, readNflog, type Logged } from '../parse/nflog.ts';
import { PCAP_START, readPcap } from '../parse/pcap.ts';
import { runCommand } from './command.ts';
import { loggerOf, NFNETLINK_LOG, setLogger } from './nf-log.ts';

/** Listens to what legacy iptables tells about traced packets, until it is closed. */
export interface LegacyReader {
  /** Why it does not hear anything, in words that follow a comma; null: it listens. */
  readonly deaf: () => string | null;
  /** When it heard something last; 0: never. */
  readonly last: () => number;
  readonly events: () => Promise<readonly TraceEvent[]>;
  /** Ends the reader, and gives the kernel's log back to whom it belonged. */
  readonly close: () => Promise<void>;
}

const deafReader = (why: string): LegacyReader => ({
  deaf: () => why,
  last: () => 0,
  events: () => Promise.resolve([]),
  close: () => Promise.resolve(),
});

/** A packet has some hundred messages; a busy flow is not remembered for ever. */
const MOST_MESSAGES = 20_000;

/** Headers and what the kernel says beside them; the rest of a packet is nobody's business. */
const SNAPSHOT_BYTES = '512';

/** So long tcpdump may take to start. */
const START_MS = 10_000;

const interfaceNames = async (): Promise<ReadonlyMap<number, string>> => {
  const listed = await runCommand(['ip', '-j', 'link', 'show']);
  const read = parseIpJson({ name: 'ip -j link', text: listed.kind === 'done' ? listed.stdout : '' });
  return new Map((read.ok ? (read.value.links ?? []) : []).map(({ index, name }) => [index, name]));
};

/** A group has one reader (net/netfilter/nfnetlink_log.c, nfulnl_recv_config). */
const whyEnded = (said: string): string => {
  if (said.includes('listen on group')) return "another program reads the kernel's packet log (nflog group 0)";
  const last = said.trim().split('\n').at(-1) ?? '';
  return `tcpdump ended: ${last.replace(/^tcpdump: /, '')}`;
};

/** tcpdump on the group to which the kernel's tracer writes (net/netfilter/nfnetlink_log.c, default_loginfo). */
const listen = () => {
  const heard: Logged[] = [];
  const status = { why: null as string | null, last: 0, ready: false };
  const child = spawn('tcpdump', ['-i', 'nflog:0', '-s', SNAPSHOT_BYTES, '-U', '-w', '-'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  let state = PCAP_START;
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const read = readPcap(state, chunk);
    ({ state } = read);
    if (state.kind === 'header') return;
    if (state.kind === 'broken' || state.linkType !== LINKTYPE_NFLOG) {
      status.why = 'what tcpdump writes is not understood';
      child.kill('SIGKILL');
      return;
    }
    status.ready = true;
    for (const record of read.records) {
      const logged = readNflog(record, state.littleEndian);
      if (logged?.prefix.startsWith('TRACE: ') !== true) continue;
      status.last = performance.now();
      if (heard.length < MOST_MESSAGES) heard.push(logged);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-1000)));
  const closed = new Promise<void>((resolve) => {
    child.on('error', (problem: NodeJS.ErrnoException) => {
      status.why ??= problem.code === 'ENOENT' ? 'tcpdump is not installed (apt-get install tcpdump)' : problem.message;
      resolve();
    });
    child.on('close', () => {
      status.why ??= whyEnded(said);
      resolve();
    });
  });
  return { child, heard, status, closed };
};

/**
 * Begins to listen to the TRACE messages of legacy iptables about packets of a family. From a network namespace they reach the kernel's
 * own log only where a global setting allows it, so they are taken from nfnetlink_log, to which this namespace's are directed meanwhile.
 */
export const openLegacyReader = async (family: Family, signal: AbortSignal): Promise<LegacyReader> => {
  // tcpdump directs those of IPv4 itself and does not give them back (libpcap, pcap-netfilter-linux.c): both are remembered before it starts.
  const before = FAMILIES.flatMap((one) => {
    const logger = loggerOf(one);
    return logger === null ? [] : [{ family: one, logger }];
  });
  // What could not be given back is not taken.
  if (!before.some((one) => one.family === family) || !before.every((one) => setLogger(one.family, one.logger)))
    return deafReader('/proc/sys/net/netfilter/nf_log cannot be set here');
  const { child, heard, status, closed } = listen();
  const reader: LegacyReader = {
    // Ctrl-C ends tcpdump as well.
    deaf: () => (status.ready && signal.aborted ? null : status.why),
    last: () => status.last,
    events: async () => {
      const names = await interfaceNames();
      return heard.flatMap((logged) => readLegacyTrace(logged, names) ?? []);
    },
    close: async () => {
      child.kill('SIGKILL');
      await closed;
      for (const one of before) if (loggerOf(one.family) !== one.logger) setLogger(one.family, one.logger);
    },
  };
  const end = performance.now() + START_MS;
  while (!status.ready && status.why === null && !signal.aborted && performance.now() < end) await sleep(20);
  if (!status.ready) status.why ??= 'tcpdump does not start';
  else if (loggerOf(family) !== NFNETLINK_LOG && !setLogger(family, NFNETLINK_LOG))
    status.why ??= '/proc/sys/net/netfilter/nf_log cannot be set here';
  return reader;
};
