import type { DataType, Value } from '../values/data-type.ts';
import type { DataElement } from '../values/map-element.ts';

/**
 * What a rule reads from a packet or computes (nft(8), PRIMARY EXPRESSION and PAYLOAD EXPRESSION), in the syntax of
 * nft.
 */
export type Expression =
  | { readonly kind: 'payload'; readonly protocol: string; readonly field: string }
  /** `@nh,96,32`: bits at a place of a header that has no name. */
  | { readonly kind: 'raw-payload'; readonly base: string; readonly offset: number; readonly length: number }
  /** `tcp option maxseg size`, `exthdr frag more-fragments`: read and kept as the words after the kind. */
  | {
      readonly kind: 'header-option';
      readonly of: 'tcp option' | 'exthdr' | 'ip option' | 'sctp chunk' | 'dccp option';
      readonly text: string;
    }
  | { readonly kind: 'meta'; readonly key: string }
  | { readonly kind: 'ct'; readonly key: string; readonly direction: 'original' | 'reply' | null }
  | { readonly kind: 'fib'; readonly flags: readonly string[]; readonly result: string }
  | { readonly kind: 'rt'; readonly key: string }
  | { readonly kind: 'socket'; readonly key: string }
  /** `numgen random mod 3 offset 0`. */
  | { readonly kind: 'numgen'; readonly mode: 'random' | 'inc'; readonly modulus: number; readonly offset: number }
  /** `jhash ip saddr . tcp sport mod 2 seed 0x…`; symhash hashes the flow and reads nothing by name. */
  | {
      readonly kind: 'hash';
      readonly how: 'jhash' | 'symhash';
      readonly of: readonly Expression[];
      readonly modulus: number;
      readonly seed: number | null;
      readonly offset: number;
    }
  | {
      readonly kind: 'bitwise';
      readonly op: '&' | '|' | '^' | '<<' | '>>';
      readonly left: Expression;
      readonly right: Expression;
    }
  /** A constant inside an expression: the mask of `meta mark & 0x4000`, the value of `meta mark set 0x1`. */
  | { readonly kind: 'constant'; readonly value: Value }
  /** `ip daddr . tcp dport` as a value. */
  | { readonly kind: 'concat'; readonly parts: readonly Expression[] }
  /** `KEY map @name` and `KEY map { … }`: the value that a map holds for a key. */
  | { readonly kind: 'map'; readonly key: readonly Expression[]; readonly map: DataMapSource }
  /** Not understood. */
  | { readonly kind: 'opaque'; readonly text: string };

/** Where the data of a map stands: in a named map of the table, or in the rule. */
export type DataMapSource =
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'inline'; readonly elements: readonly DataElement[] };

const PAYLOAD_TYPES: Readonly<Record<string, DataType>> = {
  'ip saddr': 'ipv4_addr',
  'ip daddr': 'ipv4_addr',
  'ip protocol': 'inet_proto',
  'ip dscp': 'dscp',
  'ip6 saddr': 'ipv6_addr',
  'ip6 daddr': 'ipv6_addr',
  'ip6 nexthdr': 'inet_proto',
  'ip6 dscp': 'dscp',
  'ether saddr': 'ether_addr',
  'ether daddr': 'ether_addr',
  'ether type': 'ether_type',
  'icmp type': 'icmp_type',
  'icmp code': 'icmp_code',
  'icmpv6 type': 'icmpv6_type',
  'icmpv6 code': 'icmpv6_code',
  'tcp flags': 'tcp_flag',
  'th sport': 'inet_service',
  'th dport': 'inet_service',
  'tcp sport': 'inet_service',
  'tcp dport': 'inet_service',
  'udp sport': 'inet_service',
  'udp dport': 'inet_service',
  'sctp sport': 'inet_service',
  'sctp dport': 'inet_service',
};

const META_TYPES: Readonly<Record<string, DataType>> = {
  l4proto: 'inet_proto',
  protocol: 'ether_type',
  nfproto: 'nf_proto',
  mark: 'mark',
  iif: 'iface_index',
  oif: 'iface_index',
  iifname: 'ifname',
  oifname: 'ifname',
  ibrname: 'ifname',
  obrname: 'ifname',
  iiftype: 'iface_type',
  oiftype: 'iface_type',
  pkttype: 'pkt_type',
  skuid: 'uid',
  skgid: 'gid',
  length: 'integer',
};

interface Typed {
  readonly expression: Expression;
  readonly type: DataType;
}

/**
 * Large rulesets name the same few fields again and again: expressions never change, so each known one is made once.
 */
const PAYLOADS = new Map<string, Map<string, Typed>>();
for (const [name, type] of Object.entries(PAYLOAD_TYPES)) {
  const [protocol = '', field = ''] = name.split(' ');
  const fields = PAYLOADS.get(protocol) ?? new Map<string, Typed>();
  PAYLOADS.set(protocol, fields.set(field, { expression: { kind: 'payload', protocol, field }, type }));
}
const METAS: ReadonlyMap<string, Expression> = new Map(
  Object.keys(META_TYPES).map((key) => [key, { kind: 'meta', key }]),
);

/** A field of a header: `ip daddr`. */
export const payload = (protocol: string, field: string): Expression =>
  PAYLOADS.get(protocol)?.get(field)?.expression ?? { kind: 'payload', protocol, field };

/** What the kernel keeps beside a packet: `meta mark`. */
export const meta = (key: string): Expression => METAS.get(key) ?? { kind: 'meta', key };

export const ipv4Source = payload('ip', 'saddr');
export const ipv4Destination = payload('ip', 'daddr');
export const ipv6Source = payload('ip6', 'saddr');
export const ipv6Destination = payload('ip6', 'daddr');
export const l4proto = meta('l4proto');
export const destinationPort = payload('th', 'dport');
export const sourcePort = payload('th', 'sport');

const CT_TYPES: Readonly<Record<string, DataType>> = {
  direction: 'ct_dir',
  state: 'ct_state',
  status: 'ct_status',
  mark: 'mark',
  zone: 'integer',
  l3proto: 'nf_proto',
  protocol: 'inet_proto',
  'proto-src': 'inet_service',
  'proto-dst': 'inet_service',
  'ip saddr': 'ipv4_addr',
  'ip daddr': 'ipv4_addr',
  'ip6 saddr': 'ipv6_addr',
  'ip6 daddr': 'ipv6_addr',
  helper: 'string',
};

const FIB_TYPES: Readonly<Record<string, DataType>> = {
  type: 'fib_addrtype',
  oif: 'iface_index',
  oifname: 'ifname',
};

/** The data type of what an expression reads; `unknown` for what the model does not know. */
export const typeOf = (expression: Expression): DataType => {
  switch (expression.kind) {
    case 'payload':
      return PAYLOADS.get(expression.protocol)?.get(expression.field)?.type ?? 'unknown';
    case 'meta':
      return META_TYPES[expression.key] ?? 'unknown';
    case 'ct':
      return CT_TYPES[expression.key] ?? 'unknown';
    case 'fib':
      return FIB_TYPES[expression.result] ?? 'unknown';
    case 'bitwise':
      return typeOf(expression.left);
    case 'numgen':
    case 'hash':
      return 'integer';
    case 'socket':
      return expression.key === 'mark' ? 'mark' : 'integer';
    case 'raw-payload':
    case 'header-option':
    case 'rt':
    case 'constant':
    case 'concat':
    case 'map':
    case 'opaque':
      return 'unknown';
  }
};
