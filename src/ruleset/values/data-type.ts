/** The kernel data types that the model knows (nft(8), DATA TYPES). Everything else stays text. */
export type DataType =
  | 'ipv4_addr'
  | 'ipv6_addr'
  | 'ether_addr'
  | 'ether_type'
  | 'inet_proto'
  | 'inet_service'
  | 'nf_proto'
  | 'mark'
  | 'ct_dir'
  | 'ct_state'
  | 'ct_status'
  | 'fib_addrtype'
  | 'iface_index'
  | 'ifname'
  | 'iface_type'
  | 'icmp_type'
  | 'icmp_code'
  | 'icmpv6_type'
  | 'icmpv6_code'
  | 'tcp_flag'
  | 'pkt_type'
  | 'dscp'
  | 'uid'
  | 'gid'
  /** A plain number: lengths, time to live, identifiers. */
  | 'integer'
  /** A plain word: the name of a helper, a label. */
  | 'string'
  | 'boolean'
  | 'unknown';

/**
 * A value that a rule compares with: numbers as inclusive ranges, names (interfaces, address types, directions,
 * connection states) as they are, and names that stand for every name that begins with them (`cali*` in nft, `cali+` in
 * iptables; here without the sign).
 */
export type Value =
  | { readonly kind: 'range'; readonly first: bigint; readonly last: bigint }
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'wildcard'; readonly name: string };

const madeSingle = (value: bigint): Value => ({ kind: 'range', first: value, last: value });

/** Ports and protocols come tens of thousands of times. Values never change, so each of these is made once. */
const MOST_SMALL = 0xffff;
const small: (Value | undefined)[] = Array.from({ length: MOST_SMALL + 1 });

/** One number as a value. */
export const single = (number: bigint | number): Value =>
  typeof number === 'bigint' || number > MOST_SMALL || number < 0
    ? madeSingle(BigInt(number))
    : (small[number] ??= madeSingle(BigInt(number)));

/** Numbers from `first` to `last`, both included. */
export const between = (first: bigint | number, last: bigint | number): Value => ({
  kind: 'range',
  first: BigInt(first),
  last: BigInt(last),
});

/** A name as a value. */
export const symbol = (name: string): Value => ({ kind: 'symbol', name });

/** Every name that begins with `name`. */
export const wildcard = (name: string): Value => ({ kind: 'wildcard', name });

/** Whether two values are the same value. */
export const sameValue = (a: Value, b: Value): boolean =>
  a.kind === 'range'
    ? b.kind === 'range' && a.first === b.first && a.last === b.last
    : b.kind === a.kind && a.name === b.name;

/** A value as text: equal for equal values. */
export const valueText = (value: Value): string =>
  value.kind === 'range' ? `${value.first}-${value.last}` : value.kind === 'symbol' ? value.name : `${value.name}*`;
