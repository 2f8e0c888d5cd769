import { parseAddress } from '../../../net/address.ts';
import { between, single, symbol, wildcard, type DataType, type Value } from '../../../ruleset/values/data-type.ts';
import { isRecord } from '../../values/json.ts';
import { NAMED_NUMBERS, SYMBOLIC } from './names.ts';

const ADDRESS_BITS: Partial<Record<DataType, number>> = { ipv4_addr: 32, ipv6_addr: 128 };

const address = (text: string, type: DataType): bigint | null => {
  const parsed = parseAddress(text);
  if (!parsed.ok) return null;
  return parsed.value.family === (type === 'ipv4_addr' ? 4 : 6) ? parsed.value.value : null;
};

const MAC = /^[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}$/i;

const mac = (text: string): bigint | null =>
  MAC.test(text)
    ? text.split(':').reduce((value, part) => (value << 8n) | BigInt(Number.parseInt(part, 16)), 0n)
    : null;

/** A number as nft prints it for a type: as a number, in decimal or hexadecimal text, as an address, or by its name. */
export const readNumber = (json: unknown, type: DataType): bigint | null => {
  if (typeof json === 'number') return Number.isSafeInteger(json) && json >= 0 ? BigInt(json) : null;
  if (typeof json !== 'string') return null;
  if (type === 'ipv4_addr' || type === 'ipv6_addr') return address(json, type);
  if (type === 'ether_addr') return mac(json);
  const named = NAMED_NUMBERS[type]?.[json];
  if (named !== undefined) return BigInt(named);
  return /^(?:0x[0-9a-f]{1,32}|\d{1,39})$/i.test(json) ? BigInt(json) : null;
};

/** A value that a listing gives by name: interfaces, connection states, address types. */
const readSymbol = (json: unknown): Value | null => {
  if (typeof json !== 'string') return null;
  return json.endsWith('*') && !json.endsWith('\\*') ? wildcard(json.slice(0, -1)) : symbol(json);
};

/**
 * One value as `nft -j` prints it (libnftables-json(5), EXPRESSIONS: number, string, prefix, range); null when it is
 * not understood.
 */
export const readValue = (json: unknown, type: DataType): Value | null => {
  if (type === 'boolean') return typeof json === 'boolean' ? single(json ? 1 : 0) : null;
  if (isRecord(json)) {
    if (isRecord(json['elem'])) return readValue(json['elem']['val'], type);
    if (isRecord(json['prefix'])) return readPrefix(json['prefix'], type);
    if (Array.isArray(json['range'])) {
      const [first, last] = json['range'].map((end: unknown) => readNumber(end, type));
      return first == null || last == null || first > last ? null : between(first, last);
    }
    return null;
  }
  if (typeof json === 'number') return Number.isSafeInteger(json) && json >= 0 ? single(json) : null;
  if (json === '*') return everything(type);
  if (SYMBOLIC.has(type)) return readSymbol(json);
  const value = readNumber(json, type);
  if (value !== null) return single(value);
  // Users and groups may be printed by name.
  return (type === 'uid' || type === 'gid') && typeof json === 'string' ? symbol(json) : null;
};

/** The catch-all element of a set, `*`: every value (nft(8), since 0.9.9). */
const everything = (type: DataType): Value | null => {
  const bits = ADDRESS_BITS[type] ?? (type === 'inet_service' ? 16 : type === 'mark' ? 32 : null);
  return bits === null ? wildcard('') : between(0n, (1n << BigInt(bits)) - 1n);
};

const readPrefix = (prefix: Record<string, unknown>, type: DataType): Value | null => {
  const first = readNumber(prefix['addr'], type);
  const length = prefix['len'];
  const width = ADDRESS_BITS[type] ?? 32;
  if (first === null || typeof length !== 'number' || length < 0 || length > width) return null;
  return between(first, first | ((1n << BigInt(width - length)) - 1n));
};

/** A key of several parts: `{ "concat": […] }`, or one bare value. null when a part is not understood. */
export const readKey = (json: unknown, types: readonly DataType[]): readonly Value[] | null => {
  const bare = isRecord(json) && isRecord(json['elem']) ? json['elem']['val'] : json;
  const parts: readonly unknown[] = isRecord(bare) && Array.isArray(bare['concat']) ? bare['concat'] : [bare];
  if (parts.length !== types.length) return null;
  const values = parts.map((part, index) => readValue(part, types[index] ?? 'unknown'));
  return values.every((value) => value !== null) ? values : null;
};
