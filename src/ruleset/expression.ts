import type { DataType } from './data-type.ts';

/** What a rule reads from a packet (nft(8), PRIMARY EXPRESSION and PAYLOAD EXPRESSION), in the syntax of nft. */
export type Expression =
  | { readonly kind: 'payload'; readonly protocol: string; readonly field: string }
  | { readonly kind: 'meta'; readonly key: string }
  | { readonly kind: 'ct'; readonly key: string; readonly direction: 'original' | 'reply' | null }
  | { readonly kind: 'fib'; readonly flags: readonly string[]; readonly result: string };

export const ipv4Source: Expression = { kind: 'payload', protocol: 'ip', field: 'saddr' };
export const ipv4Destination: Expression = { kind: 'payload', protocol: 'ip', field: 'daddr' };
export const ipv6Source: Expression = { kind: 'payload', protocol: 'ip6', field: 'saddr' };
export const ipv6Destination: Expression = { kind: 'payload', protocol: 'ip6', field: 'daddr' };
export const l4proto: Expression = { kind: 'meta', key: 'l4proto' };
export const destinationPort: Expression = { kind: 'payload', protocol: 'th', field: 'dport' };
export const sourcePort: Expression = { kind: 'payload', protocol: 'th', field: 'sport' };

const PAYLOAD_TYPES: Readonly<Record<string, DataType>> = {
  'ip saddr': 'ipv4_addr',
  'ip daddr': 'ipv4_addr',
  'ip protocol': 'inet_proto',
  'ip6 saddr': 'ipv6_addr',
  'ip6 daddr': 'ipv6_addr',
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
  nfproto: 'nf_proto',
  iif: 'iface_index',
  oif: 'iface_index',
};

/** The data type of what an expression reads; `unknown` for what the model does not know. */
export const typeOf = (expression: Expression): DataType => {
  switch (expression.kind) {
    case 'payload':
      return PAYLOAD_TYPES[`${expression.protocol} ${expression.field}`] ?? 'unknown';
    case 'meta':
      return META_TYPES[expression.key] ?? 'unknown';
    case 'ct':
      return expression.key === 'direction' && expression.direction === null ? 'ct_dir' : 'unknown';
    case 'fib':
      return expression.result === 'type' ? 'fib_addrtype' : 'unknown';
  }
};
