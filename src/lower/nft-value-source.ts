import { single } from '../ruleset/values/data-type.ts';
import { typeOf, type Expression } from '../ruleset/nft/expression.ts';
import type { Field } from './field.ts';
import type { Computed, ValueSource } from './value-source.ts';
import type { Step } from './step.ts';

/** What an expression reads, and what nft silently tests first (nft(8): implicit dependencies). */
export interface NftReading {
  readonly reading: ValueSource;
  readonly implies: readonly Step[];
}

/** The packet is of this family: NFPROTO_IPV4 is 2, NFPROTO_IPV6 10 (include/uapi/linux/netfilter.h). */
export const isFamily = (number: number): Step => ({
  kind: 'test',
  field: 'family',
  negate: false,
  values: [single(number)],
});
const isProtocol = (number: number): Step => ({
  kind: 'test',
  field: 'protocol',
  negate: false,
  values: [single(number)],
});

const IMPLIED: Readonly<Record<string, readonly Step[]>> = {
  ip: [isFamily(2)],
  ip6: [isFamily(10)],
  ether: [],
  th: [],
  tcp: [isProtocol(6)],
  udp: [isProtocol(17)],
  udplite: [isProtocol(136)],
  dccp: [isProtocol(33)],
  sctp: [isProtocol(132)],
  icmp: [isFamily(2), isProtocol(1)],
  icmpv6: [isFamily(10), isProtocol(58)],
};

const PAYLOAD_FIELDS: Readonly<Record<string, Field>> = {
  'ip saddr': 'source',
  'ip daddr': 'destination',
  'ip protocol': 'protocol',
  'ip ttl': 'ttl',
  'ip length': 'length',
  'ip dscp': 'dscp',
  'ip6 saddr': 'source',
  'ip6 daddr': 'destination',
  'ip6 nexthdr': 'protocol',
  'ip6 hoplimit': 'ttl',
  'ip6 dscp': 'dscp',
  'ether saddr': 'source-mac',
  'ether daddr': 'destination-mac',
  'ether type': 'ether-type',
  'icmp type': 'icmp-type',
  'icmp code': 'icmp-code',
  'icmpv6 type': 'icmp-type',
  'icmpv6 code': 'icmp-code',
  'tcp flags': 'tcp-flags',
};

const META_FIELDS: Readonly<Record<string, Field>> = {
  l4proto: 'protocol',
  nfproto: 'family',
  protocol: 'ether-type',
  mark: 'mark',
  length: 'length',
  iif: 'in-interface',
  iifname: 'in-interface',
  oif: 'out-interface',
  oifname: 'out-interface',
  pkttype: 'packet-type',
  skuid: 'socket-user',
  skgid: 'socket-group',
};

const CT_FIELDS: Readonly<Record<string, Field>> = {
  direction: 'direction',
  state: 'ct-state',
  status: 'ct-status',
  mark: 'ct-mark',
  zone: 'ct-zone',
  helper: 'ct-helper',
  protocol: 'ct-protocol',
  l3proto: 'ct-family',
  expiration: 'ct-expiration',
  bytes: 'ct-volume',
  packets: 'ct-volume',
  avgpkt: 'ct-volume',
};

const CT_TUPLE: Readonly<Record<string, string>> = {
  'ip saddr': 'source',
  'ip daddr': 'destination',
  'ip6 saddr': 'source',
  'ip6 daddr': 'destination',
  saddr: 'source',
  daddr: 'destination',
  'proto-src': 'source-port',
  'proto-dst': 'destination-port',
};

const ctReading = (expression: Extract<Expression, { kind: 'ct' }>): NftReading | null => {
  const { key, direction } = expression;
  const tuple = CT_TUPLE[key];
  if (direction !== null && tuple !== undefined) {
    const implies = key.startsWith('ip6 ') ? [isFamily(10)] : key.startsWith('ip ') ? [isFamily(2)] : [];
    return { reading: `ct-${direction}-${tuple}` as Field, implies };
  }
  const field = CT_FIELDS[key];
  return field === undefined ? null : { reading: field, implies: [] };
};

const fibReading = ({ flags, result }: Extract<Expression, { kind: 'fib' }>): NftReading | null => {
  const side = flags.includes('saddr') ? 'source' : flags.includes('daddr') ? 'destination' : null;
  if (side === null) return null;
  if (result !== 'type') {
    const marked = flags.includes('mark') ? '-by-mark' : '';
    const only = flags.includes('iif') ? '-if-in-interface' : flags.includes('oif') ? '-if-out-interface' : '';
    return { reading: `fib-${side}-interface${marked}${only}`, implies: [] };
  }
  const link = flags.includes('iif') ? '-on-in-interface' : flags.includes('oif') ? '-on-out-interface' : '';
  return { reading: `${side}-type${link}`, implies: [] };
};

const payloadReading = ({ protocol, field }: Extract<Expression, { kind: 'payload' }>): NftReading | null => {
  const implies = IMPLIED[protocol];
  if (implies === undefined) return null;
  if (field === 'sport' || field === 'dport')
    return { reading: field === 'sport' ? 'source-port' : 'destination-port', implies };
  const known = PAYLOAD_FIELDS[`${protocol} ${field}`];
  return known === undefined ? null : { reading: known, implies };
};

/** All bits of what an expression reads. */
const widthOf = (expression: Expression): bigint => (1n << (typeOf(expression) === 'ipv6_addr' ? 128n : 32n)) - 1n;

/** `inner OP constant` as one masked reading; null where it cannot be written so. */
const combine = (inner: ValueSource, op: string, constant: bigint, width: bigint): Computed | null => {
  const base =
    typeof inner === 'string'
      ? { kind: 'masked' as const, field: inner, and: width, xor: 0n, shift: 0 }
      : inner.kind === 'masked'
        ? inner
        : null;
  if (base === null) return null;
  if (op === '<<' || op === '>>') return { ...base, shift: base.shift + (op === '>>' ? 1 : -1) * Number(constant) };
  // A mask behind a shift would need another shift of the mask.
  if (base.shift !== 0) return null;
  switch (op) {
    case '&':
      return { ...base, and: base.and & constant, xor: base.xor & constant };
    case '|':
      return { ...base, and: base.and & ~constant & width, xor: (base.xor & ~constant & width) | constant };
    default:
      return { ...base, xor: base.xor ^ constant };
  }
};

const bitwiseReading = ({ op, left, right }: Extract<Expression, { kind: 'bitwise' }>): NftReading | null => {
  const inner = readNft(left);
  if (inner === null || right.kind !== 'constant' || right.value.kind !== 'range') return null;
  const reading = combine(inner.reading, op, right.value.first, widthOf(left));
  return reading === null ? null : { reading, implies: inner.implies };
};

const mapReading = ({ key, map }: Extract<Expression, { kind: 'map' }>): NftReading | null => {
  const read = readNftKey(key);
  if (read === null) return null;
  const source = map.kind === 'named' ? map.name : map.elements;
  return { reading: { kind: 'mapped', key: read.readings, map: source, part: 0 }, implies: read.implies };
};

/** What an expression of nftables reads from a packet; null: the model does not know it. */
export const readNft = (expression: Expression): NftReading | null => {
  switch (expression.kind) {
    case 'payload':
      return payloadReading(expression);
    case 'meta': {
      const field = META_FIELDS[expression.key];
      return field === undefined ? null : { reading: field, implies: [] };
    }
    case 'ct':
      return ctReading(expression);
    case 'fib':
      return fibReading(expression);
    case 'socket':
      if (expression.key === 'mark') return { reading: 'socket-mark', implies: [] };
      return expression.key === 'transparent' ? { reading: 'socket-transparent', implies: [] } : null;
    case 'bitwise':
      return bitwiseReading(expression);
    case 'constant':
      return { reading: { kind: 'constant', value: expression.value }, implies: [] };
    case 'map':
      return mapReading(expression);
    case 'raw-payload':
    case 'header-option':
    case 'rt':
    case 'numgen':
    case 'hash':
    case 'concat':
    case 'opaque':
      return null;
  }
};

/** The same for a key of several parts; null where one of them is not known. */
export const readNftKey = (
  key: readonly Expression[],
): { readonly readings: readonly ValueSource[]; readonly implies: readonly Step[] } | null => {
  const parts = key.map(readNft);
  if (!parts.every((part) => part !== null)) return null;
  return { readings: parts.map(({ reading }) => reading), implies: parts.flatMap(({ implies }) => implies) };
};
