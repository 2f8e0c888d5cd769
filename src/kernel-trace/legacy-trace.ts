import type { TraceEvent, TracedHeader } from './nft-trace.ts';
import type { Logged } from './nflog.ts';

// What legacy iptables tells about the way of a packet: the log messages of the TRACE target (iptables-extensions(8)),
// as a line of the kernel's log or as nfnetlink_log hands them on. They name table, chain and rule, but no verdict.

const eventOf = (table: string, chain: string, what: string, number: string, header: TracedHeader): TraceEvent => ({
  engine: 'iptables-legacy',
  id: null,
  family: header.source.includes(':') ? 'ip6' : 'ip',
  table,
  chain,
  event:
    what === 'rule'
      ? { kind: 'rule', number: Number(number), handle: null, text: '', verdict: null }
      : { kind: what === 'policy' ? 'policy' : 'return', verdict: null, number: Number(number) },
  header,
});

const field = (text: string, key: string): string | undefined => new RegExp(`(?:^|\\s)${key}=(\\S*)`).exec(text)?.[1];

const numberOf = (text: string | undefined): number | null => (text === undefined ? null : Number(text));

const LEGACY_LINE = /TRACE: ([^:\s]+):([^:\s]+):(rule|policy|return):(\d+) (.*)$/;

/** One line that the TRACE target wrote; null: something else. Its rule numbers count from 1. */
export const readLegacyTraceLine = (line: string): TraceEvent | null => {
  const [, table, chain, what, number, rest = ''] = LEGACY_LINE.exec(line) ?? [];
  if (table === undefined || chain === undefined || what === undefined || number === undefined) return null;
  const source = field(rest, 'SRC') ?? '';
  return eventOf(table, chain, what, number, {
    in: field(rest, 'IN') ?? '',
    out: field(rest, 'OUT') ?? '',
    source,
    destination: field(rest, 'DST') ?? '',
    protocol: (field(rest, 'PROTO') ?? '').toLowerCase(),
    sourcePort: numberOf(field(rest, 'SPT')),
    destinationPort: numberOf(field(rest, 'DPT')),
    ipId: source.includes(':') ? null : numberOf(field(rest, 'ID')),
    mark: Number(field(rest, 'MARK') ?? 0),
  });
};

/** As nft writes them. */
const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  58: 'icmpv6',
  132: 'sctp',
  136: 'udplite',
};

const PREFIX = /^TRACE: ([^:\s]+):(\S+):(rule|policy|return):(\d+) ?$/;

/**
 * One message of the TRACE target as nfnetlink_log hands it on; null: something else. `interfaces` are their names by
 * number.
 */
export const readLegacyTrace = (
  { prefix, in: from, out, mark, packet }: Logged,
  interfaces: ReadonlyMap<number, string>,
): TraceEvent | null => {
  const [, table, chain, what, number] = PREFIX.exec(prefix) ?? [];
  if (table === undefined || chain === undefined || what === undefined || number === undefined) return null;
  const nameOf = (index: number): string => (index === 0 ? '' : (interfaces.get(index) ?? `interface ${index}`));
  return eventOf(table, chain, what, number, {
    in: nameOf(from),
    out: nameOf(out),
    source: packet.source,
    destination: packet.destination,
    protocol: PROTOCOL_NAMES[packet.protocol] ?? String(packet.protocol),
    sourcePort: packet.sourcePort,
    destinationPort: packet.destinationPort,
    ipId: packet.id,
    mark,
  });
};
