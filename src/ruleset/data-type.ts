/** The kernel data types that the model knows (nft(8), DATA TYPES). Everything else stays text. */
export type DataType =
  | 'ipv4_addr'
  | 'ipv6_addr'
  | 'inet_proto'
  | 'inet_service'
  | 'nf_proto'
  | 'ct_dir'
  | 'fib_addrtype'
  | 'iface_index'
  | 'unknown';

/** A value that a rule compares with: numbers as inclusive ranges, names (interfaces, address types, directions) as they are. */
export type Value =
  | { readonly kind: 'range'; readonly first: bigint; readonly last: bigint }
  | { readonly kind: 'symbol'; readonly name: string };

/** One number as a value. */
export const single = (number: bigint | number): Value => ({
  kind: 'range',
  first: BigInt(number),
  last: BigInt(number),
});

/** A name as a value. */
export const symbol = (name: string): Value => ({ kind: 'symbol', name });

/** Whether two values are the same value. */
export const sameValue = (a: Value, b: Value): boolean =>
  a.kind === 'range'
    ? b.kind === 'range' && a.first === b.first && a.last === b.last
    : b.kind === 'symbol' && a.name === b.name;
