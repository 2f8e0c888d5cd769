import { typeOf, type Expression } from '../../../ruleset/nft/expression.ts';
import { zero, type Counter } from '../../../ruleset/values/counter.ts';
import { between, single, type DataType, type Value } from '../../../ruleset/values/data-type.ts';
import type { MapElement } from '../../../ruleset/values/map-element.ts';
import type { Operand, Statement } from '../../../ruleset/nft/statement.ts';
import { accept, drop, type RejectKind, type Verdict } from '../../../ruleset/values/verdict.ts';
import { firstKey, isRecord } from '../../values/json.ts';
import { readAction } from './action.ts';
import { readExpression, readExpressions } from './expression.ts';
import { readKey, readNumber, readValue } from './value.ts';

type Json = Record<string, unknown>;

/**
 * A verdict as `nft -j` prints it (libnftables-json(5), VERDICT STATEMENTS); null when the object is something else.
 */
export const readVerdict = (json: unknown): Verdict | null => {
  if (!isRecord(json)) return null;
  const kind = firstKey(json);
  switch (kind) {
    case 'accept':
      return accept;
    case 'drop':
      return drop;
    case 'return':
    case 'continue':
      return { kind };
    case 'jump':
    case 'goto': {
      const target = json[kind];
      return isRecord(target) && typeof target['target'] === 'string' ? { kind, chain: target['target'] } : null;
    }
    case 'queue':
      return readQueue(json[kind]);
    default:
      return null;
  }
};

const readQueue = (json: unknown): Verdict => {
  const { num, flags } = isRecord(json) ? json : { num: 0, flags: [] };
  const list: readonly unknown[] = Array.isArray(flags) ? flags : [flags];
  const range: readonly unknown[] = isRecord(num) && Array.isArray(num['range']) ? num['range'] : [num, num];
  const [first, last] = range.map((end) => (typeof end === 'number' ? end : 0));
  return {
    kind: 'queue',
    first: first ?? 0,
    last: last ?? 0,
    bypass: list.includes('bypass'),
    fanout: list.includes('fanout'),
  };
};

/** `{ "packets": n, "bytes": n }`, or null. */
export const readCounter = (json: unknown): Counter | null =>
  isRecord(json) && typeof json['packets'] === 'number' && typeof json['bytes'] === 'number'
    ? { packets: BigInt(json['packets']), bytes: BigInt(json['bytes']) }
    : null;

const FLAG_TYPES: ReadonlySet<DataType> = new Set(['ct_state', 'ct_status', 'tcp_flag']);

const readList = (json: readonly unknown[], type: DataType): readonly Value[] | null => {
  const list = json.map((item) => readValue(item, type));
  return list.every((value) => value !== null) ? list : null;
};

const readFlagSum = (json: unknown): Operand | null => {
  const parts: unknown = isRecord(json) && Array.isArray(json['|']) ? json['|'] : json;
  const bits = (Array.isArray(parts) ? (parts as readonly unknown[]) : [parts]).map((bit) =>
    readNumber(bit, 'tcp_flag'),
  );
  return bits.every((bit) => bit !== null)
    ? { kind: 'values', values: [single(bits.reduce((sum, bit) => sum | bit, 0n))] }
    : null;
};

const readOperand = (json: unknown, left: readonly Expression[], op: unknown): Operand | null => {
  if (typeof json === 'string' && json.startsWith('@')) return { kind: 'set', name: json.slice(1) };
  const types = left.map(typeOf);
  const [type] = types;
  if (type === undefined) return null;
  const members = isRecord(json) && Array.isArray(json['set']) ? (json['set'] as readonly unknown[]) : null;
  if (types.length > 1) {
    const elements = (members ?? [json]).map((element) => readKey(element, types));
    return elements.every((element) => element !== null) ? { kind: 'elements', elements } : null;
  }
  if (members !== null) {
    const values = readList(members, type);
    return values === null ? null : { kind: 'values', values };
  }
  // A comparison of flags as a whole is a number: all of these and no others.
  if (type === 'tcp_flag' && op !== 'in') return readFlagSum(json);
  if (Array.isArray(json) || (op === 'in' && FLAG_TYPES.has(type))) {
    const values = readList(Array.isArray(json) ? json : [json], type);
    return values === null ? null : { kind: 'flags', values };
  }
  if (isRecord(json) && '|' in json && Array.isArray(json['|'])) {
    const values = readList(json['|'], type);
    return values === null ? null : { kind: 'flags', values };
  }
  // `fib saddr . iif oif missing` is printed as false.
  const value = typeof json === 'boolean' ? readValue(json, 'boolean') : readValue(json, type);
  return value === null ? null : { kind: 'values', values: [value] };
};

/** Elements of a verdict map: `[[key, verdict], …]`; null when one is not understood. */
export const readMapElements = (json: unknown, types: readonly DataType[]): readonly MapElement[] | null => {
  if (!Array.isArray(json)) return null;
  const elements: MapElement[] = [];
  for (const pair of json as readonly unknown[]) {
    if (!Array.isArray(pair)) return null;
    const [keyJson, verdictJson] = pair as readonly unknown[];
    const wrapped = isRecord(keyJson) && isRecord(keyJson['elem']) ? keyJson['elem'] : null;
    const key = readKey(wrapped === null ? keyJson : wrapped['val'], types);
    const verdict = readVerdict(verdictJson);
    if (key === null || verdict === null) return null;
    const counter = wrapped === null ? null : readCounter(wrapped['counter']);
    const comment = wrapped?.['comment'];
    elements.push({
      key,
      verdict,
      ...(counter === null ? {} : { counter }),
      ...(typeof comment === 'string' ? { comment } : {}),
    });
  }
  return elements;
};

const REJECTS: Readonly<Record<string, RejectKind>> = {
  'port-unreachable': 'port-unreachable',
  'admin-prohibited': 'admin-prohibited',
  'no-route': 'no-route',
  'net-unreachable': 'net-unreachable',
  'host-unreachable': 'host-unreachable',
  'prot-unreachable': 'protocol-unreachable',
  'net-prohibited': 'net-prohibited',
  'host-prohibited': 'host-prohibited',
  'addr-unreachable': 'address-unreachable',
  'policy-fail': 'policy-fail',
  'reject-route': 'reject-route',
};

const readReject = (json: unknown): Statement => {
  if (!isRecord(json)) return { kind: 'reject', with: 'port-unreachable' };
  const { type, expr } = json;
  if (type === 'tcp reset') return { kind: 'reject', with: 'tcp-reset' };
  return {
    kind: 'reject',
    with: typeof expr === 'string' ? (REJECTS[expr] ?? 'other') : 'port-unreachable',
    ...(type === 'icmp' || type === 'icmpv6' ? { type } : {}),
  };
};

/** `meta length > 500` is a range of 32 bits, which is wider than every field that is compared this way. */
const readComparison = (left: readonly Expression[], op: unknown, right: unknown): Statement | null => {
  const [first] = left;
  const bound = first === undefined ? null : readValue(right, typeOf(first));
  if (bound?.kind !== 'range' || left.length > 1) return null;
  const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
    '<': [0n, bound.first - 1n],
    '<=': [0n, bound.last],
    '>': [bound.last + 1n, 0xffff_ffffn],
    '>=': [bound.first, 0xffff_ffffn],
  };
  const range = ranges[String(op)];
  if (range === undefined || range[0] > range[1]) return null;
  return { kind: 'match', left, negate: false, right: { kind: 'values', values: [between(...range)] } };
};

const readMatch = ({ left: leftJson, right: rightJson, op }: Json): Statement | null => {
  const left = readExpressions(leftJson);
  if (left !== null && typeof op === 'string' && '<>'.includes(op.charAt(0)))
    return readComparison(left, op, rightJson);
  if (left === null || (op !== '==' && op !== '!=' && op !== 'in')) return null;
  const right = readOperand(rightJson, left, op);
  return right === null ? null : { kind: 'match', left, negate: op === '!=', right };
};

const readVmap = ({ key: keyJson, data }: Json): Statement | null => {
  const key = readExpressions(keyJson);
  if (key === null) return null;
  if (typeof data === 'string' && data.startsWith('@'))
    return { kind: 'vmap', key, map: { kind: 'named', name: data.slice(1) } };
  const elements = isRecord(data) ? readMapElements(data['set'], key.map(typeOf)) : null;
  return elements === null ? null : { kind: 'vmap', key, map: { kind: 'inline', elements } };
};

const OPERATIONS = ['add', 'update', 'delete'] as const;

const readUpdate = ({ elem, set, op, stmt }: Json): Statement | null => {
  const wrapped = isRecord(elem) && isRecord(elem['elem']) ? elem['elem'] : null;
  const key = readExpressions(wrapped === null ? elem : wrapped['val']);
  const operation = OPERATIONS.find((known) => known === op);
  if (key === null || typeof set !== 'string' || operation === undefined) return null;
  const statements = (Array.isArray(stmt) ? (stmt as unknown[]) : []).map(readStatement);
  const inner = statements.filter(({ kind }) => kind !== 'counter');
  const timeout = wrapped?.['timeout'];
  return {
    kind: 'update',
    ...(operation === 'update' ? {} : { op: operation }),
    set: set.replace(/^@/, ''),
    key,
    counted: inner.length < statements.length,
    ...(typeof timeout === 'number' ? { timeout } : {}),
    ...(inner.length === 0 ? {} : { inner }),
  };
};

const readMapUpdate = ({ elem, data, map, op }: Json): Statement | null => {
  const wrapped = isRecord(elem) && isRecord(elem['elem']) ? elem['elem']['val'] : elem;
  const [key, value] = [readExpressions(wrapped), readExpressions(data)];
  const operation = OPERATIONS.find((known) => known === op);
  return key === null || value === null || typeof map !== 'string' || operation === undefined
    ? null
    : { kind: 'update-map', op: operation, map: map.replace(/^@/, ''), key, data: value };
};

const readMangle = ({ key, value: valueJson }: Json): Statement | null => {
  const target = readExpression(key);
  const value = target === null ? null : readExpression(valueJson, typeOf(target));
  return target === null || value === null ? null : { kind: 'mangle', target, value };
};

/** The readers of statements, by the one key of each statement; null: its value is not understood. */
const READERS: ReadonlyMap<string, (value: Json) => Statement | null> = new Map([
  ['match', readMatch],
  ['vmap', readVmap],
  ['set', readUpdate],
  ['map', readMapUpdate],
  ['mangle', readMangle],
]);

const readCount = (json: unknown): Statement | null => {
  if (typeof json === 'string') return { kind: 'counter-named', name: json };
  // In the definition of a set: each of its elements counts by itself.
  const counter = json === null ? zero : readCounter(json);
  return counter === null ? null : { kind: 'counter', counter };
};

const readKnown = (json: Json): Statement | null => {
  const key = firstKey(json);
  const value = json[key];
  const read = READERS.get(key);
  if (read !== undefined && isRecord(value)) return read(value);
  if (key === 'counter') return readCount(value);
  if (key === 'reject') return readReject(value);
  const verdict = readVerdict(json);
  return verdict === null ? readAction(json) : { kind: 'verdict', verdict };
};

/** One statement as `nft -j` prints it. One that is not understood is kept as its text, or as its JSON (law 6). */
export const readStatement = (json: unknown): Statement =>
  (isRecord(json) ? readKnown(json) : null) ?? {
    kind: 'unknown',
    text: typeof json === 'string' ? json : JSON.stringify(json),
  };
