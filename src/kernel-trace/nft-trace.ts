import { readTableFamily, type TableFamily } from '../ruleset/values/table-family.ts';
// What the kernel says about the way of one packet. Here: `nft -a monitor trace` (nft(8), MONITOR).

/** The packet as it was at one point of its way. */
export interface TracedHeader {
  /** Interfaces; empty where the packet has none there. */
  readonly in: string;
  readonly out: string;
  readonly source: string;
  readonly destination: string;
  /** `tcp`, `udp`, … or a number. */
  readonly protocol: string;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  /** Tells the packets of one connection apart; null for IPv6. */
  readonly ipId: number | null;
  readonly mark: number;
}

/** One line, or one message. */
export interface TraceEvent {
  readonly engine: 'nft' | 'iptables-legacy';
  /** The kernel's number for the packet; used again within seconds. Legacy: none. */
  readonly id: string | null;
  readonly family: TableFamily;
  readonly table: string;
  readonly chain: string;
  readonly event:
    /** A base chain is entered. */
    | { readonly kind: 'packet' }
    /**
     * `number` from 1 (legacy), or `handle` (nft, with -a). The verdict as it is written; null: legacy does not say.
     */
    | {
        readonly kind: 'rule';
        readonly number: number | null;
        readonly handle: number | null;
        readonly text: string;
        readonly verdict: string | null;
      }
    /**
     * A chain's end is reached: a base chain's policy, or the way back. Legacy says it also of a rule without
     * conditions, and numbers it: the end comes after the last rule (net/ipv4/netfilter/ip_tables.c,
     * get_chainname_rulenum).
     */
    | { readonly kind: 'policy' | 'return'; readonly verdict: string | null; readonly number?: number };
  readonly header: TracedHeader | null;
}

const word = (text: string, key: string): string | undefined =>
  new RegExp(`(?:^|\\s)${key} "?([^"\\s]+)"?`).exec(text)?.[1];

const numberOf = (text: string | undefined): number | null => (text === undefined ? null : Number(text));

const PROTOCOLS = ['tcp', 'udp', 'sctp', 'dccp', 'udplite'] as const;

const nftHeader = (text: string): TracedHeader => {
  const protocol = PROTOCOLS.find((name) => text.includes(` ${name} sport `));
  const [family, id] = text.includes('ip6 saddr')
    ? (['ip6', undefined] as const)
    : (['ip', word(text, 'ip id')] as const);
  const other = text.includes(' icmpv6 type') ? 'icmpv6' : text.includes(' icmp type') ? 'icmp' : undefined;
  return {
    in: word(text, 'iif') ?? '',
    out: word(text, 'oif') ?? '',
    source: word(text, `${family} saddr`) ?? '',
    destination: word(text, `${family} daddr`) ?? '',
    protocol: protocol ?? other ?? word(text, 'ip protocol') ?? word(text, 'ip6 nexthdr') ?? '',
    sourcePort: protocol === undefined ? null : numberOf(word(text, `${protocol} sport`)),
    destinationPort: protocol === undefined ? null : numberOf(word(text, `${protocol} dport`)),
    ipId: numberOf(id),
    mark: Number(word(text, 'meta mark') ?? 0),
  };
};

const NFT_LINE = /^trace id ([0-9a-f]+) (\S+) (\S+) (\S+) (packet:|rule|policy|return|verdict|unknown)\s?(.*)$/;

/** One line of `nft monitor trace`; null: something else. */
export const readNftTraceLine = (line: string): TraceEvent | null => {
  const [, id, familyName, table, chain, what, rest = ''] = NFT_LINE.exec(line.trimEnd()) ?? [];
  const family = readTableFamily(familyName ?? '');
  if (id === undefined || family === null || table === undefined || chain === undefined) return null;
  const base = { engine: 'nft' as const, id, family, table, chain };
  switch (what) {
    case 'packet:':
      return { ...base, event: { kind: 'packet' }, header: nftHeader(rest) };
    case 'rule': {
      const [, text = '', handle, verdict] = /^(.*?)(?: # handle (\d+))?(?: \(verdict (.*)\))?$/.exec(rest) ?? [];
      return {
        ...base,
        event: { kind: 'rule', number: null, handle: numberOf(handle), text: text.trim(), verdict: verdict ?? null },
        header: null,
      };
    }
    case 'unknown': {
      // A rule that came after nft began to listen: it knows its handle alone.
      const [, handle, verdict] = /^rule handle (\d+)(?: \(verdict (.*)\))?/.exec(rest) ?? [];
      if (handle === undefined) return null;
      return {
        ...base,
        event: { kind: 'rule', number: null, handle: Number(handle), text: '', verdict: verdict ?? null },
        header: null,
      };
    }
    case 'verdict':
      // Linux 6.1 has no rule in what it tells of a `return`, and tells of a chain's end as well, with `continue`
      // (net/netfilter/nf_tables_core.c, nft_do_chain).
      return {
        ...base,
        event: rest.startsWith('return')
          ? { kind: 'rule', number: null, handle: null, text: '', verdict: 'return' }
          : { kind: 'return', verdict: rest.split(' ')[0] ?? null },
        header: null,
      };
    case 'policy':
    case 'return':
      return {
        ...base,
        event: { kind: what === 'policy' ? 'policy' : 'return', verdict: rest.split(' ')[0] ?? null },
        header: null,
      };
    default:
      return null;
  }
};
