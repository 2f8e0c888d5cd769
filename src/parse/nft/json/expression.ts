import { parseAddress } from '../../../net/address.ts';
import { single, symbol, type DataType } from '../../../ruleset/values/data-type.ts';
import { meta, payload, typeOf, type DataMapSource, type Expression } from '../../../ruleset/nft/expression.ts';
import type { DataElement } from '../../../ruleset/values/map-element.ts';
import { firstKey, isRecord } from '../../values/json.ts';
import { readKey, readNumber, readValue } from './value.ts';

type Json = Record<string, unknown>;

const whole = (json: unknown): number | null => (typeof json === 'number' && Number.isSafeInteger(json) ? json : null);

const readPayload = ({ protocol, field, base, offset, len }: Json): Expression | null => {
  if (typeof protocol === 'string' && typeof field === 'string') return payload(protocol, field);
  return typeof base === 'string' && typeof offset === 'number' && typeof len === 'number'
    ? { kind: 'raw-payload', base, offset, length: len }
    : null;
};

const readCt = ({ key, dir, family }: Json): Expression | null => {
  if (typeof key !== 'string') return null;
  const direction = dir === 'original' || dir === 'reply' ? dir : null;
  // Older versions give the family apart: "ct original saddr" with "family": "ip".
  return { kind: 'ct', key: typeof family === 'string' && !key.includes(' ') ? `${family} ${key}` : key, direction };
};

const readFib = ({ result, flags }: Json): Expression | null => {
  const list: readonly unknown[] = Array.isArray(flags) ? flags : [flags];
  return typeof result === 'string'
    ? { kind: 'fib', flags: list.filter((flag) => typeof flag === 'string'), result }
    : null;
};

const readNumgen = ({ mode, mod, offset }: Json): Expression | null => {
  const modulus = whole(mod);
  return (mode === 'random' || mode === 'inc') && modulus !== null && modulus > 0
    ? { kind: 'numgen', mode, modulus, offset: whole(offset) ?? 0 }
    : null;
};

const readHash = (how: 'jhash' | 'symhash', { expr, mod, seed, offset }: Json): Expression | null => {
  const modulus = whole(mod);
  const of = expr === undefined ? [] : readExpressions(expr);
  return modulus !== null && modulus > 0 && of !== null
    ? { kind: 'hash', how, of, modulus, seed: whole(seed), offset: whole(offset) ?? 0 }
    : null;
};

const OPERATORS = ['&', '|', '^', '<<', '>>'] as const;

const readBitwise = (op: (typeof OPERATORS)[number], operands: unknown): Expression | null => {
  const [first, ...rest] = Array.isArray(operands) ? (operands as unknown[]) : [];
  let left = readExpression(first);
  if (rest.length === 0) return null;
  for (const json of rest) {
    if (left === null) return null;
    const right = readExpression(json, typeOf(left));
    left = right === null ? null : { kind: 'bitwise', op, left, right };
  }
  return left;
};

/**
 * The data of a map in a rule: `[[key, value], …]`. The type of a value is not given, and follows from the value: an
 * address or a number.
 */
export const readDataElements = (
  json: unknown,
  types: readonly DataType[],
  dataTypes: readonly DataType[] | null,
): readonly DataElement[] | null => {
  if (!Array.isArray(json)) return null;
  const elements: DataElement[] = [];
  for (const pair of json as readonly unknown[]) {
    if (!Array.isArray(pair)) return null;
    const [keyJson, dataJson] = pair as readonly unknown[];
    const key = readKey(keyJson, types);
    const data = dataTypes === null ? readUntyped(dataJson) : readKey(dataJson, dataTypes);
    if (key === null || data === null) return null;
    const comment = isRecord(keyJson) && isRecord(keyJson['elem']) ? keyJson['elem']['comment'] : undefined;
    elements.push({ key, data, ...(typeof comment === 'string' ? { comment } : {}) });
  }
  return elements;
};

const readUntyped = (json: unknown) => {
  const parts: readonly unknown[] = isRecord(json) && Array.isArray(json['concat']) ? json['concat'] : [json];
  const values = parts.map((part) => readValue(part, guessType(part)));
  return values.every((value) => value !== null) ? values : null;
};

const guessType = (json: unknown): DataType => {
  const sample: unknown =
    isRecord(json) && isRecord(json['prefix'])
      ? json['prefix']['addr']
      : isRecord(json) && Array.isArray(json['range'])
        ? json['range'][0]
        : json;
  if (typeof sample !== 'string') return 'integer';
  const address = parseAddress(sample);
  if (address.ok) return address.value.family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  return readNumber(sample, 'integer') !== null ? 'integer' : 'string';
};

const readMap = ({ key, data }: Json): Expression | null => {
  const keys = readExpressions(key);
  if (keys === null) return null;
  const map = readMapSource(data, keys.map(typeOf));
  return map === null ? null : { kind: 'map', key: keys, map };
};

const readMapSource = (data: unknown, types: readonly DataType[]): DataMapSource | null => {
  if (typeof data === 'string' && data.startsWith('@')) return { kind: 'named', name: data.slice(1) };
  const elements = isRecord(data) ? readDataElements(data['set'], types, null) : null;
  return elements === null ? null : { kind: 'inline', elements };
};

const readOption = (json: Json): Expression | null => {
  for (const header of ['tcp option', 'exthdr', 'ip option', 'sctp chunk', 'dccp option'] as const) {
    const option = json[header];
    if (!isRecord(option)) continue;
    const words = ['name', 'field', 'type'].flatMap((name) => {
      const value = option[name];
      return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
    });
    return { kind: 'header-option', of: header, text: words.join(' ') };
  }
  return null;
};

const readMeta = ({ key }: Json): Expression | null => (typeof key === 'string' ? meta(key) : null);

const readKeyOf =
  (kind: 'rt' | 'socket') =>
  ({ key }: Json): Expression | null =>
    typeof key === 'string' ? { kind, key } : null;

/** The readers of expressions, by the one key of each expression; null: its value is not understood. */
const READERS: ReadonlyMap<string, (value: Json) => Expression | null> = new Map([
  ['payload', readPayload],
  ['meta', readMeta],
  ['ct', readCt],
  ['fib', readFib],
  ['rt', readKeyOf('rt')],
  ['socket', readKeyOf('socket')],
  ['numgen', readNumgen],
  ['jhash', (value) => readHash('jhash', value)],
  ['symhash', (value) => readHash('symhash', value)],
  ['map', readMap],
]);

const readRecord = (json: Json): Expression | null => {
  const key = firstKey(json);
  const value = json[key];
  const read = READERS.get(key);
  if (read !== undefined && isRecord(value)) return read(value);
  if (key === 'concat' && Array.isArray(value)) {
    const parts = readExpressions(json);
    return parts === null ? null : { kind: 'concat', parts };
  }
  const op = OPERATORS.find((known) => known === key);
  return op === undefined ? readOption(json) : readBitwise(op, value);
};

/**
 * An expression as `nft -j` prints it (libnftables-json(5), EXPRESSIONS); constants are read as `type`. null: not
 * understood.
 */
export const readExpression = (json: unknown, type: DataType = 'unknown'): Expression | null => {
  if (isRecord(json) && !('prefix' in json) && !('range' in json)) return readRecord(json);
  if (Array.isArray(json)) return readFlagSum(json, type);
  const value = readValue(json, type === 'unknown' ? guessType(json) : type);
  return value === null ? null : { kind: 'constant', value };
};

/** `["syn", "ack"]`: flags together. */
const readFlagSum = (json: readonly unknown[], type: DataType): Expression | null => {
  const numbers = json.map((one) => readNumber(one, type));
  if (numbers.every((number) => number !== null))
    return { kind: 'constant', value: single(numbers.reduce((sum, bit) => sum | bit, 0n)) };
  const [only, ...more] = json;
  return typeof only === 'string' && more.length === 0 ? { kind: 'constant', value: symbol(only) } : null;
};

/** A key: one expression, or several joined by `concat`. */
export const readExpressions = (json: unknown): readonly Expression[] | null => {
  const parts: readonly unknown[] = isRecord(json) && Array.isArray(json['concat']) ? json['concat'] : [json];
  const expressions = parts.map((part) => readExpression(part));
  return expressions.every((expression) => expression !== null) ? expressions : null;
};
