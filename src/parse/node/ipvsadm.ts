import { ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import type { Address } from '../../net/address.ts';
import type { Protocol } from '../../net/protocol.ts';
import type { RealServer, VirtualServer } from '../../ruleset/ipvs.ts';
import { readAddress, readNumber } from '../values/dump-values.ts';
import { doubtsAbout, linesOf, type Line } from '../values/lines.ts';

type Draft = Omit<VirtualServer, 'servers' | 'at' | 'mark'> & {
  at: VirtualServer['at'];
  mark: number | null;
  servers: RealServer[];
};

/** Reads `ipvsadm -S -n` and `ipvsadm -L -n`. A line that is not understood becomes a warning. */
export const parseIpvsadm = (source: Source): Result<readonly VirtualServer[]> => {
  const doubts = doubtsAbout(source);
  const services: Draft[] = [];
  const byKey = new Map<string, Draft>();
  for (const line of linesOf(source.text)) {
    const words = line.text.split(/\s+/);
    if (words[0] === '-A' || words[0] === '-a') {
      const service = readSaved(words, line, source);
      if (service === null) doubts.note('ipvs-unknown', 'this line of ipvsadm is not understood', line);
      else if (words[0] === '-A') {
        services.push(service.draft);
        byKey.set(service.key, service.draft);
      } else {
        const known = byKey.get(service.key);
        const server = readServer(words);
        if (known === undefined || server === null)
          doubts.note('ipvs-unknown', 'this real server belongs to no service above', line);
        else known.servers.push(server);
      }
    } else if (words[0] === '->' && words[1] !== 'RemoteAddress:Port') {
      const server = readListedServer(words);
      const service = services.at(-1);
      if (server === null || service === undefined)
        doubts.note('ipvs-unknown', 'this real server is not understood', line);
      else service.servers.push(server);
    } else if (/^(?:TCP|UDP|SCTP|FWM)$/.test(words[0] ?? '')) {
      const draft = readListed(words, line, source);
      if (draft === null) doubts.note('ipvs-unknown', 'this service is not understood', line);
      else services.push(draft);
    }
  }
  return ok(services, doubts.all);
};

const PROTOCOL: Readonly<Record<string, Protocol>> = {
  '-t': 'tcp',
  '--tcp-service': 'tcp',
  '-u': 'udp',
  '--udp-service': 'udp',
  '--sctp-service': 'sctp',
  TCP: 'tcp',
  UDP: 'udp',
  SCTP: 'sctp',
};

/** `192.0.2.10:30001`, `[2001:db8::1]:30001`. */
const readSocket = (text: string): { readonly address: Address; readonly port: number } | null => {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  const address = found === null ? null : readAddress(found[1] ?? found[2] ?? '');
  const port = found === null ? null : readNumber(found[3] ?? '', 65_535);
  return address === null || port === null ? null : { address, port };
};

const after = (words: readonly string[], ...names: readonly string[]): string | null => {
  const at = words.findIndex((word) => names.includes(word));
  return at === -1 ? null : (words[at + 1] ?? null);
};

const make = (
  socket: { readonly address: Address; readonly port: number } | null,
  protocol: Protocol | null,
  mark: number | null,
  rest: Pick<VirtualServer, 'family' | 'scheduler' | 'persistent' | 'flags'>,
  line: Line,
  source: Source,
): Draft | null => {
  const at = socket === null || protocol === null ? null : { protocol, ...socket };
  if (at === null && mark === null) return null;
  return {
    at,
    mark,
    ...rest,
    family: at?.address.family ?? rest.family,
    servers: [],
    file: source.name,
    line: line.number,
    text: line.text,
  };
};

const readSaved = (words: readonly string[], line: Line, source: Source) => {
  const [, kind = '', where = ''] = words;
  const protocol = PROTOCOL[kind] ?? null;
  const mark = kind === '-f' || kind === '--fwmark-service' ? readNumber(where) : null;
  const persistent = after(words, '-p', '--persistent');
  const flags = after(words, '-b', '--sched-flags')?.split(',') ?? [];
  // A service by mark is of one family; this option says which.
  const six = words.includes('-6') || words.includes('--ipv6');
  const rest = {
    family: six ? 6 : 4,
    scheduler: after(words, '-s', '--scheduler') ?? 'wlc',
    // Without a number it is 300 s (ipvsadm(8)); kube-proxy writes 10800.
    persistent: persistent === null ? null : (readNumber(persistent) ?? 300),
    flags: [...flags, ...(words.includes('-o') || words.includes('--ops') ? ['ops'] : [])],
  } as const;
  const draft = make(readSocket(where), protocol, mark, rest, line, source);
  return draft === null ? null : { draft, key: `${kind} ${where} ${six}` };
};

const readServer = (words: readonly string[]): RealServer | null => {
  const socket = readSocket(after(words, '-r', '--real-server') ?? '');
  if (socket === null) return null;
  const forward = words.some((word) => word === '-m' || word === '--masquerading')
    ? 'masq'
    : words.some((word) => word === '-i' || word === '--ipip')
      ? 'tunnel'
      : 'route';
  return { ...socket, forward, weight: readNumber(after(words, '-w', '--weight') ?? '1') ?? 1, active: null };
};

const readListed = (words: readonly string[], line: Line, source: Source): Draft | null => {
  const [kind = '', where = '', ...options] = words;
  const six = options[0] === 'IPv6';
  const [scheduler = 'wlc', ...more] = six ? options.slice(1) : options;
  const persistent = after(more, 'persistent');
  const flags = more.filter((word) => word === 'ops' || /^(?:flag|sh|mh)-/.test(word));
  const family = six ? 6 : 4;
  const rest = {
    family,
    scheduler,
    persistent: persistent === null ? null : (readNumber(persistent) ?? 300),
    flags,
  } as const;
  return make(readSocket(where), PROTOCOL[kind] ?? null, kind === 'FWM' ? readNumber(where) : null, rest, line, source);
};

const FORWARD: Readonly<Record<string, RealServer['forward']>> = { Masq: 'masq', Route: 'route', Tunnel: 'tunnel' };

/** `-> 10.244.1.64:8080  Masq  1  0  0`. With --stats and --rate other columns follow, and the weight is missing. */
const readListedServer = (words: readonly string[]): RealServer | null => {
  const socket = readSocket(words[1] ?? '');
  if (socket === null) return null;
  const forward = FORWARD[words[2] ?? ''];
  if (forward === undefined) return { ...socket, forward: 'masq', weight: 1, active: null };
  return { ...socket, forward, weight: readNumber(words[3] ?? '') ?? 1, active: readNumber(words[4] ?? '') };
};

/** How much a form of ipvsadm's output shows: -S everything, -Ln flags only in part, --stats and --rate no weights. */
export const ipvsDetail = (text: string): number =>
  /^\s*-A /m.test(text) ? 3 : /\b(?:Conns|CPS)\b/.test(text) ? 1 : 2;
