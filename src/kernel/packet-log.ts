import { spawn } from 'node:child_process';
import { parseIpJson } from '../parse/node/ip-json.ts';
import { LINKTYPE_NFLOG, readNflog, type Logged } from '../kernel-trace/nflog.ts';
import { PCAP_START, readPcap } from '../kernel-trace/pcap.ts';
import { runCommand } from './command.ts';

/** Listens to the kernel's packet log, until it is closed. */
export interface PacketLog {
  readonly status: {
    /** Whether it hears everything from now on. */
    readonly ready: boolean;
    /** Why it hears nothing any more; null: it hears. */
    readonly why: string | null;
  };
  readonly close: () => Promise<void>;
}

/** Headers and what the kernel says beside them; the rest of a packet is nobody's business. */
const SNAPSHOT_BYTES = '512';

/** A group has one reader (net/netfilter/nfnetlink_log.c, nfulnl_recv_config). */
const whyEnded = (said: string): string => {
  if (said.includes('listen on group')) return "another program reads the kernel's packet log (nflog group 0)";
  const last = said.trim().split('\n').at(-1) ?? '';
  return `tcpdump ended: ${last.replace(/^tcpdump: /, '')}`;
};

/**
 * Starts tcpdump on the group to which the kernel's tracer writes (net/netfilter/nfnetlink_log.c, default_loginfo), and
 * hands on what it hears; behind the words `inside`, which lead into a network namespace.
 */
export const openPacketLog = (heard: (logged: Logged) => void, inside: readonly string[] = []): PacketLog => {
  const status = { ready: false, why: null as string | null };
  const [program, ...args] = [...inside, 'tcpdump', '-i', 'nflog:0', '-s', SNAPSHOT_BYTES, '-U', '-w', '-'];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
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
      if (logged !== null) heard(logged);
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
  return {
    status,
    close: async () => {
      child.kill('SIGKILL');
      await closed;
    },
  };
};

/** The names of interfaces by number, as the log has them; behind the words `inside`. */
export const interfaceNames = async (inside: readonly string[] = []): Promise<ReadonlyMap<number, string>> => {
  const [program, ...args] = [...inside, 'ip', '-j', 'link', 'show'];
  const listed = await runCommand([program, ...args]);
  const read = parseIpJson({ name: 'ip -j link', text: listed.kind === 'done' ? listed.stdout : '' });
  return new Map((read.ok ? (read.value.links ?? []) : []).map(({ index, name }) => [index, name]));
};
