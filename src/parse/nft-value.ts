import { parseAddress } from '../net/address.ts';
import { PROTOCOL_NUMBER, type Protocol } from '../net/protocol.ts';
import { single, symbol, type DataType, type Value } from '../ruleset/data-type.ts';
import { isRecord } from './json.ts';

const PROTOCOL_NAMES: Readonly<Record<string, number>> = {
  ...PROTOCOL_NUMBER,
  icmp: 1,
  igmp: 2,
  udplite: 136,
  dccp: 33,
  'ipv6-icmp': 58,
  icmpv6: 58,
  esp: 50,
  ah: 51,
  gre: 47,
};
const FAMILY_NUMBERS: Readonly<Record<string, number>> = { ipv4: 2, ipv6: 10 };

const address = (text: string, type: DataType): bigint | null => {
  const parsed = parseAddress(text);
  if (!parsed.ok) return null;
  return parsed.value.family === (type === 'ipv4_addr' ? 4 : 6) ? parsed.value.value : null;
};

const number = (json: unknown, type: DataType): bigint | null => {
  if (typeof json === 'number' && Number.isSafeInteger(json) && json >= 0) return BigInt(json);
  if (typeof json !== 'string') return null;
  switch (type) {
    case 'ipv4_addr':
    case 'ipv6_addr':
      return address(json, type);
    case 'inet_proto': {
      const known = PROTOCOL_NAMES[json as Protocol];
      return known === undefined ? null : BigInt(known);
    }
    case 'nf_proto': {
      const known = FAMILY_NUMBERS[json];
      return known === undefined ? null : BigInt(known);
    }
    default:
      return null;
  }
};

const SYMBOLIC: ReadonlySet<DataType> = new Set(['ct_dir', 'fib_addrtype', 'iface_index']);

/** One value as `nft -j` prints it (libnftables-json(5), EXPRESSIONS: number, string, prefix, range); null when it is not understood. */
export const readValue = (json: unknown, type: DataType): Value | null => {
  if (SYMBOLIC.has(type)) return typeof json === 'string' ? symbol(json) : null;
  if (isRecord(json)) {
    if (isRecord(json['prefix'])) return readPrefix(json['prefix'], type);
    if (Array.isArray(json['range'])) {
      const [first, last] = json['range'].map((end: unknown) => number(end, type));
      return first == null || last == null || first > last ? null : { kind: 'range', first, last };
    }
    return null;
  }
  const value = number(json, type);
  return value === null ? null : single(value);
};

const readPrefix = (prefix: Record<string, unknown>, type: DataType): Value | null => {
  const first = number(prefix['addr'], type);
  const length = prefix['len'];
  const width = type === 'ipv4_addr' ? 32 : 128;
  if (first === null || typeof length !== 'number' || length < 0 || length > width) return null;
  return { kind: 'range', first, last: first | ((1n << BigInt(width - length)) - 1n) };
};

/** A key of several parts: `{ "concat": […] }`, or one bare value. null when a part is not understood. */
export const readKey = (json: unknown, types: readonly DataType[]): readonly Value[] | null => {
  const parts: readonly unknown[] = isRecord(json) && Array.isArray(json['concat']) ? json['concat'] : [json];
  if (parts.length !== types.length) return null;
  const values = parts.map((part, index) => readValue(part, types[index] ?? 'unknown'));
  return values.every((value) => value !== null) ? values : null;
};
