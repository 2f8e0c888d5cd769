// Flags that name the dumps of nodes; without any of them the live node is read.

const file = (brief: string) =>
  ({ kind: 'parsed', parse: String, variadic: true, optional: true, brief, placeholder: 'file' }) as const;

export const dumpFlags = {
  snapshot: {
    kind: 'parsed',
    parse: String,
    variadic: true,
    optional: true,
    brief: 'A file of portcullis snapshot, or a folder with dumps of one node (gzipped or not); several: several nodes',
    placeholder: 'path',
  },
  iptables: file('Output of iptables-save or ip6tables-save'),
  nft: file('Output of nft list ruleset, as text or JSON'),
  ipset: file('Output of ipset save'),
  ipvsadm: file('Output of ipvsadm -S -n'),
  ip: file('Output of ip addr, route, rule or link, as text or JSON'),
  sysctl: file('Output of sysctl -a'),
  ss: file('Output of ss -lntup'),
  conntrack: file('Output of conntrack -L -o extended'),
} as const;

export interface DumpFlags {
  readonly snapshot?: readonly string[];
  readonly iptables?: readonly string[];
  readonly nft?: readonly string[];
  readonly ipset?: readonly string[];
  readonly ipvsadm?: readonly string[];
  readonly ip?: readonly string[];
  readonly sysctl?: readonly string[];
  readonly ss?: readonly string[];
  readonly conntrack?: readonly string[];
}

/** Whether some flag names dumps; else the live node is meant. */
export const namesDumps = ({
  snapshot,
  iptables,
  nft,
  ipset,
  ipvsadm,
  ip,
  sysctl,
  ss,
  conntrack,
}: DumpFlags): boolean =>
  [snapshot, iptables, nft, ipset, ipvsadm, ip, sysctl, ss, conntrack].some((names) => names !== undefined);
