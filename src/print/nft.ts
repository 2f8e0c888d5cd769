import { formatAddress } from '../net/address.ts';
import { PROTOCOL_NUMBER, PROTOCOLS } from '../net/protocol.ts';
import type { DataType, Value } from '../ruleset/values/data-type.ts';
import { typeOf, type DataMapSource, type Expression } from '../ruleset/nft/expression.ts';
import type { DataElement, MapElement } from '../ruleset/values/map-element.ts';
import type { NatStatement, Operand, Statement } from '../ruleset/nft/statement.ts';
import type { Rule } from '../ruleset/table.ts';
import type { RejectKind, Verdict } from '../ruleset/values/verdict.ts';

/** A verdict as nft reads it. */
export const printVerdict = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'jump':
    case 'goto':
      return `${verdict.kind} ${verdict.chain}`;
    case 'reject':
      return printReject(verdict.with, 'icmpx');
    case 'queue': {
      const flags = [...(verdict.bypass ? ['bypass'] : []), ...(verdict.fanout ? ['fanout'] : [])];
      const to = verdict.first === verdict.last ? `${verdict.first}` : `${verdict.first}-${verdict.last}`;
      return `queue${flags.length > 0 ? ` flags ${flags.join(',')}` : ''} to ${to}`;
    }
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      return verdict.kind;
  }
};

const printReject = (kind: RejectKind, type: 'icmp' | 'icmpv6' | 'icmpx'): string =>
  kind === 'tcp-reset' ? 'reject with tcp reset' : kind === 'other' ? 'reject' : `reject with ${type} type ${kind}`;

/** An expression as nft reads it. */
export const printExpression = (expression: Expression): string => {
  switch (expression.kind) {
    case 'payload':
      return `${expression.protocol} ${expression.field}`;
    case 'raw-payload':
      return `@${expression.base},${expression.offset},${expression.length}`;
    case 'header-option':
      return `${expression.of} ${expression.text}`;
    case 'meta':
      return expression.key === 'iif' || expression.key === 'oif' ? expression.key : `meta ${expression.key}`;
    case 'ct':
      return `ct ${expression.direction === null ? '' : `${expression.direction} `}${expression.key}`;
    case 'fib':
      return `fib ${expression.flags.join(' . ')} ${expression.result}`;
    case 'rt':
    case 'socket':
      return `${expression.kind} ${expression.key}`;
    case 'numgen':
      return `numgen ${expression.mode} mod ${expression.modulus}${printOffset(expression.offset)}`;
    case 'hash': {
      const of = expression.of.length > 0 ? ` ${printKey(expression.of)}` : '';
      const seed = expression.seed === null ? '' : ` seed 0x${expression.seed.toString(16)}`;
      return `${expression.how}${of} mod ${expression.modulus}${seed}${printOffset(expression.offset)}`;
    }
    case 'bitwise':
      return `${printExpression(expression.left)} ${expression.op} ${printOperandOf(expression.right, typeOf(expression.left))}`;
    case 'constant':
      return printValue(expression.value, 'unknown');
    case 'concat':
      return printKey(expression.parts);
    case 'map':
      return `${printKey(expression.key)} map ${printDataMap(expression.map, expression.key.map(typeOf))}`;
    case 'opaque':
      return expression.text;
  }
};

const printOffset = (offset: number): string => (offset === 0 ? '' : ` offset ${offset}`);

const printOperandOf = (right: Expression, type: DataType): string =>
  right.kind === 'constant' ? printValue(right.value, type) : `(${printExpression(right)})`;

const printKey = (key: readonly Expression[]): string => key.map(printExpression).join(' . ');

const printDataMap = (map: DataMapSource, types: readonly DataType[]): string =>
  map.kind === 'named' ? `@${map.name}` : `{ ${printDataElements(map.elements, types, [])} }`;

/** One number in the form that nft reads for its type; addresses and protocols by name, the others as they are. */
export const printNumber = (value: bigint, type: DataType): string => {
  if (type === 'ipv4_addr') return formatAddress({ family: 4, value });
  if (type === 'ipv6_addr') return formatAddress({ family: 6, value });
  if (type === 'inet_proto')
    return PROTOCOLS.find((protocol) => BigInt(PROTOCOL_NUMBER[protocol]) === value) ?? value.toString();
  if (type === 'nf_proto') return value === 2n ? 'ipv4' : 'ipv6';
  return value.toString();
};

const QUOTED: ReadonlySet<DataType> = new Set(['iface_index', 'ifname', 'string']);

const ADDRESS_BITS: Partial<Record<DataType, number>> = { ipv4_addr: 32, ipv6_addr: 128 };

/** The length of the prefix that a range of addresses is; null: it is one address, or no prefix. */
const prefixLength = (first: bigint, last: bigint, type: DataType): number | null => {
  const bits = ADDRESS_BITS[type];
  const size = last - first + 1n;
  if (bits === undefined || size <= 1n || (size & (size - 1n)) !== 0n || (first & (size - 1n)) !== 0n) return null;
  return bits - (size.toString(2).length - 1);
};

/** A value as nft reads it for its type. */
export const printValue = (value: Value, type: DataType): string => {
  if (value.kind === 'wildcard') return `"${value.name}*"`;
  if (value.kind === 'symbol') return QUOTED.has(type) ? `"${value.name}"` : value.name;
  const first = printNumber(value.first, type);
  const length = prefixLength(value.first, value.last, type);
  if (length !== null) return `${first}/${length}`;
  return value.first === value.last ? first : `${first}-${printNumber(value.last, type)}`;
};

const printValues = (list: readonly Value[], type: DataType): string =>
  list.length === 1 && list[0] !== undefined
    ? printValue(list[0], type)
    : `{ ${list.map((value) => printValue(value, type)).join(', ')} }`;

const printOperand = (operand: Operand, left: readonly Expression[]): string => {
  const type = left[0] === undefined ? 'unknown' : typeOf(left[0]);
  switch (operand.kind) {
    case 'set':
      return `@${operand.name}`;
    case 'values':
      return printValues(operand.values, type);
    case 'flags':
      return operand.values.map((value) => printValue(value, type)).join(',');
    case 'elements':
      return `{ ${operand.elements.map((key) => printElementKey(key, left.map(typeOf))).join(', ')} }`;
  }
};

/** A key of several parts, `192.0.2.1 . tcp . 80`. */
export const printElementKey = (key: readonly Value[], types: readonly DataType[]): string =>
  key.map((value, index) => printValue(value, types[index] ?? 'unknown')).join(' . ');

const printComment = (comment: string | undefined): string => (comment === undefined ? '' : ` comment "${comment}"`);

/** Elements of a verdict map, without the braces. */
export const printElements = (elements: readonly MapElement[], types: readonly DataType[]): string =>
  elements
    .map(
      ({ key, verdict, comment }) =>
        `${printElementKey(key, types)}${printComment(comment)} : ${printVerdict(verdict)}`,
    )
    .join(', ');

/** Elements of a map of values, without the braces. */
export const printDataElements = (
  elements: readonly DataElement[],
  types: readonly DataType[],
  dataTypes: readonly DataType[],
): string =>
  elements
    .map(
      ({ key, data, comment }) =>
        `${printElementKey(key, types)}${printComment(comment)} : ${printElementKey(data, dataTypes)}`,
    )
    .join(', ');

/** Of an address that stands alone only its number is known; IPv6 addresses in use are beyond 32 bits. */
const addressType = (family: NatStatement['family'], value: Value | undefined): DataType =>
  family === 'ip6' || (value?.kind === 'range' && value.last > 0xffff_ffffn) ? 'ipv6_addr' : 'ipv4_addr';

const printNatAddress = (address: Expression, { family, port }: NatStatement): string => {
  if (address.kind === 'map') {
    const { map, key } = address;
    if (map.kind === 'named') return printExpression(address);
    const types = [addressType(family, map.elements[0]?.data[0]), 'inet_service' as const];
    return `${printKey(key)} map { ${printDataElements(map.elements, key.map(typeOf), types)} }`;
  }
  if (address.kind !== 'constant') return printExpression(address);
  const type = addressType(family, address.value);
  const text = printValue(address.value, type);
  return type === 'ipv6_addr' && port !== null
    ? text
        .split('-')
        .map((end) => `[${end}]`)
        .join('-')
    : text;
};

const printNat = (statement: NatStatement): string => {
  const { how, family, address, port, flags, both } = statement;
  const isPrefix = flags.includes('prefix');
  const named = both || (address?.kind === 'map' && address.map.kind === 'inline' && address.map.elements[0]?.data[1]);
  const words = [
    how as string,
    ...(family === null ? [] : [family]),
    ...(isPrefix ? ['prefix'] : []),
    ...(named ? ['addr . port'] : []),
    ...(address === null && port === null ? [] : ['to']),
  ];
  const to = `${address === null ? '' : printNatAddress(address, statement)}${port === null ? '' : `:${printExpression(port)}`}`;
  const rest = flags.filter((flag) => flag !== 'prefix');
  return [...words, ...(to === '' ? [] : [to]), ...(rest.length > 0 ? [rest.join(',')] : [])].join(' ');
};

/** Whether a way is found at all is asked with words (nft(8), FIB EXPRESSIONS); the model has 0 and 1. */
const isFibPresence = ({ left, right }: Extract<Statement, { kind: 'match' }>): boolean =>
  left[0]?.kind === 'fib' && left[0].result !== 'type' && right.kind === 'values' && right.values[0]?.kind === 'range';

const isZero = (operand: Operand): boolean =>
  operand.kind === 'values' && operand.values[0]?.kind === 'range' && operand.values[0].last === 0n;

/** A statement as nft reads it. */
export const printStatement = (statement: Statement): string => {
  switch (statement.kind) {
    case 'match':
      return isFibPresence(statement)
        ? `${printKey(statement.left)} ${isZero(statement.right) === statement.negate ? 'exists' : 'missing'}`
        : `${printKey(statement.left)} ${statement.negate ? '!= ' : ''}${printOperand(statement.right, statement.left)}`;
    case 'vmap': {
      const { key, map } = statement;
      return `${printKey(key)} vmap ${map.kind === 'named' ? `@${map.name}` : `{ ${printElements(map.elements, key.map(typeOf))} }`}`;
    }
    case 'update': {
      const timeout = statement.timeout === undefined ? '' : ` timeout ${statement.timeout}s`;
      const inner = (statement.inner ?? []).map((one) => ` ${printStatement(one)}`).join('');
      return `${statement.op ?? 'update'} @${statement.set} { ${printKey(statement.key)}${timeout}${inner}${statement.counted ? ' counter' : ''} }`;
    }
    case 'update-map':
      return `${statement.op} @${statement.map} { ${printKey(statement.key)} : ${printKey(statement.data)} }`;
    case 'counter': {
      const { packets, bytes } = statement.counter;
      return packets === 0n ? 'counter' : `counter packets ${packets} bytes ${bytes}`;
    }
    case 'counter-named':
      return `counter name ${statement.name}`;
    case 'limit': {
      const { rate, per, burst, unit, burstUnit, over } = statement;
      return `limit rate ${over === true ? 'over ' : ''}${rate}${unit === undefined ? '' : ` ${unit}`}/${per} burst ${burst} ${burstUnit ?? 'packets'}`;
    }
    case 'object':
      return statement.of.startsWith('ct ')
        ? `${statement.of} set "${statement.name}"`
        : `${statement.of} name "${statement.name}"`;
    case 'quota':
      return `quota ${statement.over ? 'over ' : ''}${statement.text}`;
    case 'connlimit':
      return `ct count ${statement.over ? 'over ' : ''}${statement.count}`;
    case 'reject':
      return printReject(statement.with, statement.type ?? 'icmpx');
    case 'nat':
      return printNat(statement);
    case 'mangle':
      return `${printExpression(statement.target)} set ${printOperandOf(statement.value, typeOf(statement.target)).replace(/^\((.*)\)$/, '$1')}`;
    case 'notrack':
      return 'notrack';
    case 'log':
    case 'dup':
    case 'fwd':
    case 'synproxy':
      return `${statement.kind}${statement.text === '' ? '' : ` ${statement.text}`}`;
    case 'tproxy': {
      const { family, address, port } = statement;
      return `tproxy${family === null ? '' : ` ${family}`} to ${address === null ? '' : printExpression(address)}${port === null ? '' : `:${printExpression(port)}`}`;
    }
    case 'offload':
      return `flow add @${statement.flowtable}`;
    case 'comment':
      return `comment "${statement.text}"`;
    case 'xt':
      return `xt ${statement.type} "${statement.name}"`;
    case 'verdict':
      return printVerdict(statement.verdict);
    case 'unknown':
      return statement.text;
  }
};

/** A rule as nft reads it. */
export const printRule = (rule: Rule): string =>
  rule.statements.map(printStatement).join(' ') + (rule.comment === undefined ? '' : ` comment "${rule.comment}"`);
