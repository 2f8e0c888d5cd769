import type { DataType } from '../../../ruleset/values/data-type.ts';
import type { DynamicElement, Interval, NamedSet } from '../../../ruleset/table.ts';
import { zero } from '../../../ruleset/values/counter.ts';
import { isRecord } from '../../values/json.ts';
import { readDataElements } from './expression.ts';
import { readCounter, readMapElements } from './statement.ts';
import { readKey, readValue } from './value.ts';

const KNOWN_TYPES: ReadonlySet<string> = new Set<DataType>([
  'ipv4_addr',
  'ipv6_addr',
  'ether_addr',
  'ether_type',
  'inet_proto',
  'inet_service',
  'nf_proto',
  'mark',
  'ct_dir',
  'ct_state',
  'ct_status',
  'fib_addrtype',
  'iface_index',
  'ifname',
  'icmp_type',
  'icmp_code',
  'icmpv6_type',
  'icmpv6_code',
  'tcp_flag',
  'pkt_type',
  'dscp',
  'uid',
  'gid',
  'integer',
  'string',
  'boolean',
]);

const readTypes = (json: unknown): readonly DataType[] => {
  // The data of a map with several parts is printed as one text.
  const list: readonly unknown[] = Array.isArray(json) ? json : typeof json === 'string' ? json.split(' . ') : [json];
  return list.map((type) => (typeof type === 'string' && KNOWN_TYPES.has(type) ? (type as DataType) : 'unknown'));
};

const listOf = (json: unknown): readonly unknown[] => (Array.isArray(json) ? json : []);

const readIntervals = (json: unknown, type: DataType): readonly Interval[] | null => {
  const intervals: Interval[] = [];
  for (const item of listOf(json)) {
    const bare = isRecord(item) && isRecord(item['elem']) ? item['elem']['val'] : item;
    const value = readValue(bare, type);
    if (value === null || value.kind !== 'range') return null;
    intervals.push({ first: value.first, last: value.last });
  }
  return intervals.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
};

const readDynamic = (json: unknown, types: readonly DataType[]): readonly DynamicElement[] | null => {
  const elements: DynamicElement[] = [];
  for (const item of listOf(json)) {
    const wrapped = isRecord(item) && isRecord(item['elem']) ? item['elem'] : null;
    const key = readKey(wrapped === null ? item : wrapped['val'], types);
    if (key === null) return null;
    const expires = wrapped?.['expires'];
    elements.push({
      key,
      counter: readCounter(wrapped?.['counter']) ?? zero,
      expires: typeof expires === 'number' ? expires : null,
    });
  }
  return elements;
};

const sizeOf = (json: Record<string, unknown>): { readonly size?: number } =>
  typeof json['size'] === 'number' ? { size: json['size'] } : {};

const readElements = (json: unknown, types: readonly DataType[]) => {
  const elements = listOf(json).map((item) => readKey(item, types));
  return elements.every((element) => element !== null) ? elements : null;
};

/**
 * A `set` or `map` object of `nft -j list` (libnftables-json(5), SET and MAP). A set with a timeout is one that packets
 * fill, because the listing drops the flag `dynamic` (seen with nft 1.0.6).
 */
export const readSet = (json: Record<string, unknown>, name: string): NamedSet => {
  const types = readTypes(json['type']);
  const [type] = types;
  const flags = listOf(json['flags']);
  const interval = flags.includes('interval');
  const opaque: NamedSet = { kind: 'opaque', name, text: JSON.stringify({ ...json, elem: undefined }) };
  if (types.includes('unknown')) return opaque;
  if (json['map'] === 'verdict') {
    const elements = readMapElements(listOf(json['elem']), types);
    if (elements === null) return opaque;
    return { kind: 'verdict-map', name, types, interval, counted: listOf(json['stmt']).length > 0, elements };
  }
  if ('map' in json) {
    const dataTypes = readTypes(json['map']);
    const elements = dataTypes.includes('unknown') ? null : readDataElements(listOf(json['elem']), types, dataTypes);
    return elements === null
      ? opaque
      : {
          kind: 'data-map',
          name,
          types,
          dataTypes,
          interval,
          dynamic: flags.includes('dynamic') || flags.includes('timeout'),
          elements,
        };
  }
  if (flags.includes('timeout') || flags.includes('dynamic')) {
    const elements = readDynamic(json['elem'], types);
    const size = typeof json['size'] === 'number' ? json['size'] : 0;
    const timeout = typeof json['timeout'] === 'number' ? json['timeout'] : 0;
    return elements === null ? opaque : { kind: 'dynamic', name, types, size, timeout, elements };
  }
  if (types.length > 1 || (type !== 'ipv4_addr' && type !== 'ipv6_addr')) {
    const elements = readElements(json['elem'], types);
    return elements === null ? opaque : { kind: 'elements', name, types, interval, elements };
  }
  const intervals = readIntervals(json['elem'], type);
  return intervals === null ? opaque : { kind: 'addresses', name, type, interval, ...sizeOf(json), intervals };
};
