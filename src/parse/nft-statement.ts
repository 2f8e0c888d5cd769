import { typeOf, type Expression } from '../ruleset/expression.ts';
import type { Counter } from '../ruleset/counter.ts';
import type { MapElement } from '../ruleset/map-element.ts';
import type { Operand, Statement } from '../ruleset/statement.ts';
import type { RejectKind, Verdict } from '../ruleset/verdict.ts';
import type { DataType, Value } from '../ruleset/data-type.ts';
import { isRecord } from './json.ts';
import { readKey, readValue } from './nft-value.ts';

/** A verdict as `nft -j` prints it (libnftables-json(5), VERDICT STATEMENTS); null when the object is something else. */
export const readVerdict = (json: unknown): Verdict | null => {
  if (!isRecord(json)) return null;
  if ('accept' in json) return { kind: 'accept' };
  if ('drop' in json) return { kind: 'drop' };
  if ('return' in json) return { kind: 'return' };
  if ('continue' in json) return { kind: 'continue' };
  for (const kind of ['jump', 'goto'] as const) {
    const target = json[kind];
    if (isRecord(target) && typeof target['target'] === 'string') return { kind, chain: target['target'] };
  }
  return null;
};

/** `{ "packets": n, "bytes": n }`, or null. */
export const readCounter = (json: unknown): Counter | null =>
  isRecord(json) && typeof json['packets'] === 'number' && typeof json['bytes'] === 'number'
    ? { packets: BigInt(json['packets']), bytes: BigInt(json['bytes']) }
    : null;

const readExpression = (json: unknown): Expression | null => {
  if (!isRecord(json)) return null;
  const { payload, meta, ct, fib } = json;
  if (isRecord(payload) && typeof payload['protocol'] === 'string' && typeof payload['field'] === 'string')
    return { kind: 'payload', protocol: payload['protocol'], field: payload['field'] };
  if (isRecord(meta) && typeof meta['key'] === 'string') return { kind: 'meta', key: meta['key'] };
  if (isRecord(ct) && typeof ct['key'] === 'string') {
    const direction = ct['dir'];
    return {
      kind: 'ct',
      key: ct['key'],
      direction: direction === 'original' || direction === 'reply' ? direction : null,
    };
  }
  if (isRecord(fib) && typeof fib['result'] === 'string') {
    const flags: readonly unknown[] = Array.isArray(fib['flags']) ? fib['flags'] : [fib['flags']];
    return { kind: 'fib', flags: flags.filter((flag) => typeof flag === 'string'), result: fib['result'] };
  }
  return null;
};

const readExpressions = (json: unknown): readonly Expression[] | null => {
  const parts: readonly unknown[] = isRecord(json) && Array.isArray(json['concat']) ? json['concat'] : [json];
  const expressions = parts.map(readExpression);
  return expressions.every((expression) => expression !== null) ? expressions : null;
};

const readOperand = (json: unknown, types: readonly DataType[]): Operand | null => {
  if (typeof json === 'string' && json.startsWith('@')) return { kind: 'set', name: json.slice(1) };
  const [type] = types;
  if (type === undefined || types.length > 1) return null;
  const list: readonly unknown[] = isRecord(json) && Array.isArray(json['set']) ? json['set'] : [json];
  const read = list.map((item) => readValue(item, type));
  return read.every((value): value is Value => value !== null) ? { kind: 'values', values: read } : null;
};

/** Elements of a verdict map: `[key, verdict]`, the key perhaps wrapped with its counter. null when one is not understood. */
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
    elements.push({ key, verdict, ...(counter === null ? {} : { counter }) });
  }
  return elements;
};

const REJECTS: Readonly<Record<string, RejectKind>> = {
  'port-unreachable': 'port-unreachable',
  'admin-prohibited': 'admin-prohibited',
};

const readReject = (json: unknown): RejectKind => {
  if (!isRecord(json)) return 'port-unreachable';
  if (json['type'] === 'tcp reset') return 'tcp-reset';
  return typeof json['expr'] === 'string' ? (REJECTS[json['expr']] ?? 'other') : 'port-unreachable';
};

const readMatch = (json: Record<string, unknown>): Statement | null => {
  const left = readExpressions(json['left']);
  if (left === null || (json['op'] !== '==' && json['op'] !== '!=' && json['op'] !== 'in')) return null;
  const right = readOperand(json['right'], left.map(typeOf));
  return right === null ? null : { kind: 'match', left, negate: json['op'] === '!=', right };
};

const readVmap = (json: Record<string, unknown>): Statement | null => {
  const key = readExpressions(json['key']);
  const { data } = json;
  if (key === null) return null;
  if (typeof data === 'string' && data.startsWith('@'))
    return { kind: 'vmap', key, map: { kind: 'named', name: data.slice(1) } };
  const elements = isRecord(data) ? readMapElements(data['set'], key.map(typeOf)) : null;
  return elements === null ? null : { kind: 'vmap', key, map: { kind: 'inline', elements } };
};

const readUpdate = (json: Record<string, unknown>): Statement | null => {
  const key = readExpressions(json['elem']);
  const { set, stmt } = json;
  if (key === null || typeof set !== 'string' || (json['op'] !== 'update' && json['op'] !== 'add')) return null;
  return { kind: 'update', set: set.replace(/^@/, ''), key, counted: Array.isArray(stmt) && stmt.length > 0 };
};

const readKnown = (json: Record<string, unknown>): Statement | null => {
  const verdict = readVerdict(json);
  if (verdict !== null) return { kind: 'verdict', verdict };
  if (isRecord(json['match'])) return readMatch(json['match']);
  if (isRecord(json['vmap'])) return readVmap(json['vmap']);
  if (isRecord(json['set'])) return readUpdate(json['set']);
  if ('reject' in json) return { kind: 'reject', with: readReject(json['reject']) };
  if (typeof json['counter'] === 'string') return { kind: 'counter-named', name: json['counter'] };
  const counter = readCounter(json['counter']);
  if (counter !== null) return { kind: 'counter', counter };
  const { limit } = json;
  if (isRecord(limit) && typeof limit['rate'] === 'number' && typeof limit['per'] === 'string' && limit['inv'] !== true)
    return {
      kind: 'limit',
      rate: limit['rate'],
      per: limit['per'],
      burst: typeof limit['burst'] === 'number' ? limit['burst'] : 0,
    };
  return null;
};

/** One statement as `nft -j` prints it; what is not understood is kept as its JSON text (law 6). */
export const readStatement = (json: unknown): Statement =>
  (isRecord(json) ? readKnown(json) : null) ?? { kind: 'unknown', text: JSON.stringify(json) };
