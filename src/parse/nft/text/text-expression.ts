import type { Cursor } from './cursor.ts';
import { readPlainVerdict } from './text-verdict.ts';

// The text language is read into the JSON form of the same thing (libnftables-json(5)), so that one reader gives both
// their meaning.

export type Json = Readonly<Record<string, unknown>>;

/** Why a rule cannot be read any further; its text is then kept as unknown. */
export class NotUnderstood extends Error {}

const PAYLOADS: ReadonlySet<string> = new Set(
  'ether vlan arp ip icmp igmp ip6 icmpv6 tcp udp udplite sctp dccp ah esp comp th gre geneve vxlan'.split(' '),
);
const BARE_META: ReadonlySet<string> = new Set(
  'iif oif iifname oifname iifgroup oifgroup iiftype oiftype skuid skgid mark pkttype nftrace rtclassid ibrname obrname ibriport obriport cpu cgroup'.split(
    ' ',
  ),
);
const CT_ADDRESS: ReadonlySet<string> = new Set(['ip', 'ip6']);

const number = (text: string): number | null => (/^(?:0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : null);

/** A number that is required here. */
export const expectNumber = (cursor: Cursor): number => {
  const value = number(cursor.next().text);
  if (value === null) throw new NotUnderstood('a number is missing');
  return value;
};

const ctExpression = (cursor: Cursor): Json => {
  const direction = ['original', 'reply'].find((dir) => cursor.take(dir));
  const first = cursor.next().text;
  const key = CT_ADDRESS.has(first) ? `${first} ${cursor.next().text}` : first;
  return { ct: { key, ...(direction === undefined ? {} : { dir: direction }) } };
};

const fibExpression = (cursor: Cursor): Json => {
  const flags = [cursor.next().text];
  while (cursor.take('.')) flags.push(cursor.next().text);
  return { fib: { flags, result: cursor.next().text } };
};

const hashed = (cursor: Cursor, expr?: unknown): Json => {
  if (!cursor.take('mod')) throw new NotUnderstood('mod is missing');
  const mod = expectNumber(cursor);
  const seed = cursor.take('seed') ? expectNumber(cursor) : undefined;
  const offset = cursor.take('offset') ? expectNumber(cursor) : undefined;
  return {
    ...(expr === undefined ? {} : { expr }),
    mod,
    ...(seed === undefined ? {} : { seed }),
    ...(offset === undefined ? {} : { offset }),
  };
};

const optionExpression = (cursor: Cursor, header: string): Json => {
  const name = cursor.next().text;
  const field = cursor.peek().kind === 'word' && !/^[0-9{@]/.test(cursor.peek().text) ? cursor.next().text : undefined;
  return { [header]: { name, ...(field === undefined ? {} : { field }) } };
};

/** Starts an expression here? `null`: a statement or a value follows. */
const primary = (cursor: Cursor): unknown => {
  const { text, kind } = cursor.peek();
  if (kind === 'mark' && text === '(') {
    cursor.next();
    const inner = readTextExpression(cursor);
    if (!cursor.take(')')) throw new NotUnderstood(') is missing');
    return inner;
  }
  if (kind !== 'word') return null;
  if (text === 'ip' && cursor.peek(1).text === 'option') {
    cursor.next();
    cursor.next();
    return optionExpression(cursor, 'ip option');
  }
  if (text === 'tcp' && cursor.peek(1).text === 'option') {
    cursor.next();
    cursor.next();
    return optionExpression(cursor, 'tcp option');
  }
  if (PAYLOADS.has(text)) {
    cursor.next();
    return { payload: { protocol: text, field: cursor.next().text } };
  }
  if (BARE_META.has(text)) {
    cursor.next();
    return { meta: { key: text } };
  }
  const raw = /^@(\w+),(\d+),(\d+)$/.exec(text);
  switch (text) {
    case 'meta':
      cursor.next();
      return { meta: { key: cursor.next().text } };
    case 'ct':
      cursor.next();
      return ctExpression(cursor);
    case 'fib':
      cursor.next();
      return fibExpression(cursor);
    case 'rt':
    case 'socket':
      cursor.next();
      return { [text]: { key: cursor.next().text } };
    case 'numgen': {
      cursor.next();
      const mode = cursor.next().text;
      return { numgen: { mode, ...hashed(cursor) } };
    }
    case 'jhash': {
      cursor.next();
      const expr = readTextExpression(cursor);
      return { jhash: hashed(cursor, expr) };
    }
    case 'symhash':
      cursor.next();
      return { symhash: hashed(cursor) };
    case 'exthdr':
      cursor.next();
      return optionExpression(cursor, 'exthdr');
    default:
      if (raw === null) return null;
      cursor.next();
      return { payload: { base: raw[1], offset: Number(raw[2]), len: Number(raw[3]) } };
  }
};

/** Older versions write the operators as words. */
const OPERATORS: ReadonlyMap<string, string> = new Map([
  ['&', '&'],
  ['|', '|'],
  ['^', '^'],
  ['<<', '<<'],
  ['>>', '>>'],
  ['and', '&'],
  ['or', '|'],
  ['xor', '^'],
  ['lshift', '<<'],
  ['rshift', '>>'],
]);

const withOperators = (cursor: Cursor, first: unknown): unknown => {
  let left = first;
  for (;;) {
    const { kind, text } = cursor.peek();
    const operator = kind === 'quoted' ? undefined : OPERATORS.get(text);
    if (operator === undefined) return left;
    cursor.next();
    left = { [operator]: [left, operand(cursor)] };
  }
};

/** The right side of a bit operation: a constant, `(fin | syn)`, or another expression. */
const operand = (cursor: Cursor): unknown => {
  if (cursor.take('(')) {
    const parts: unknown[] = [];
    do parts.push(readTextValue(cursor));
    while (cursor.take('|') || cursor.take(','));
    if (!cursor.take(')')) throw new NotUnderstood(') is missing');
    return parts.length === 1 ? parts[0] : parts;
  }
  return primary(cursor) ?? readTextValue(cursor);
};

/** An expression that reads the packet, with concatenation, bit operations and maps; throws {@link NotUnderstood}. */
export const readTextExpression = (cursor: Cursor): unknown => {
  const first = primary(cursor);
  if (first === null) throw new NotUnderstood(`${cursor.peek().text} is not an expression`);
  const parts = [withOperators(cursor, first)];
  while (cursor.take('.')) {
    const part = primary(cursor) ?? readTextValue(cursor);
    parts.push(withOperators(cursor, part));
  }
  const key = parts.length === 1 ? parts[0] : { concat: parts };
  return cursor.take('map') ? { map: { key, data: readTextRight(cursor) } } : key;
};

/** Whether an expression that reads the packet begins here. */
export const startsExpression = (cursor: Cursor): boolean => {
  const { kind, text } = cursor.peek();
  if (kind === 'mark') return text === '(';
  if (kind !== 'word') return false;
  return (
    PAYLOADS.has(text) ||
    BARE_META.has(text) ||
    /^(?:meta|ct|fib|rt|socket|numgen|jhash|symhash|exthdr|@\w+,\d+,\d+)$/.test(text)
  );
};

const RANGE = /^(?<first>[0-9a-fx.:]+)-(?<last>[0-9a-fx.:]+)$/i;
const PREFIX = /^(?<addr>[0-9a-f.:]+)\/(?<len>\d{1,3})$/i;

const plain = (text: string): unknown => {
  const prefix = PREFIX.exec(text)?.groups;
  if (prefix !== undefined) return { prefix: { addr: prefix['addr'], len: Number(prefix['len']) } };
  const range = RANGE.exec(text)?.groups;
  if (range !== undefined)
    return { range: [number(range['first'] ?? '') ?? range['first'], number(range['last'] ?? '') ?? range['last']] };
  return number(text) ?? text;
};

/** A constant: a number, a name, an address, a prefix, a range. */
export const readTextValue = (cursor: Cursor): unknown => {
  const { kind, text } = cursor.next();
  if (kind === 'quoted') return text;
  if (kind === 'word') {
    if (cursor.peek().text !== '-' || cursor.peek().kind !== 'word') return plain(text);
    cursor.next();
    const last = cursor.next().text;
    return { range: [number(text) ?? text, number(last) ?? last] };
  }
  throw new NotUnderstood(`${text} stands where a value should`);
};

const concatenated = (cursor: Cursor, first: unknown): unknown => {
  const parts = [first];
  while (cursor.take('.')) parts.push(readTextValue(cursor));
  return parts.length === 1 ? first : { concat: parts };
};

/** `30m5s` in seconds. */
export const secondsOf = (text: string): number => {
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[dhms])/g))
    seconds += Number(count) * ({ d: 86_400, h: 3600, m: 60, s: 1, ms: 0.001 }[unit ?? 's'] ?? 1);
  return /^\d+$/.test(text) ? Number(text) : Math.round(seconds);
};

const elementOptions = (cursor: Cursor): Json => {
  const options: Record<string, unknown> = {};
  for (;;) {
    if (cursor.take('timeout')) options['timeout'] = secondsOf(cursor.next().text);
    else if (cursor.take('expires')) options['expires'] = secondsOf(cursor.next().text);
    else if (cursor.take('comment')) options['comment'] = cursor.next().text;
    else if (cursor.take('counter')) {
      const packets = cursor.take('packets') ? expectNumber(cursor) : 0;
      const bytes = cursor.take('bytes') ? expectNumber(cursor) : 0;
      options['counter'] = { packets, bytes };
    } else return options;
  }
};

const skipBreaks = (cursor: Cursor): void => {
  while (cursor.peek().kind === 'end' && !cursor.atEnd()) cursor.next();
};

/** `{ a, b . c, d : accept }`: members of a set or map, in the JSON form. */
export const readTextElements = (cursor: Cursor): readonly unknown[] => {
  if (!cursor.take('{')) throw new NotUnderstood('{ is missing');
  const members: unknown[] = [];
  for (;;) {
    skipBreaks(cursor);
    if (cursor.take('}')) return members;
    if (cursor.atEnd()) throw new NotUnderstood('} is missing');
    const value = concatenated(cursor, readTextValue(cursor));
    const options = elementOptions(cursor);
    const key = Object.keys(options).length === 0 ? value : { elem: { val: value, ...options } };
    skipBreaks(cursor);
    members.push(cursor.take(':') ? [key, readTextData(cursor)] : key);
    elementOptions(cursor);
    skipBreaks(cursor);
    cursor.take(',');
  }
};

/** What a key of a map stands for: a verdict, or values. */
const readTextData = (cursor: Cursor): unknown => {
  skipBreaks(cursor);
  return readPlainVerdict(cursor) ?? concatenated(cursor, readTextValue(cursor));
};

/**
 * The right side of a comparison or map: a set by name or in place, values with commas (flags together), or one value.
 */
export const readTextRight = (cursor: Cursor): unknown => {
  const { text, kind } = cursor.peek();
  if (kind === 'mark' && text === '{') return { set: readTextElements(cursor) };
  if (kind === 'word' && text.startsWith('@')) return cursor.next().text;
  if (kind === 'mark' && text === '(') return operand(cursor);
  const first = concatenated(cursor, readTextValue(cursor));
  const list = [first];
  while (cursor.peek().text === ',' || cursor.peek().text === '|') {
    cursor.next();
    list.push(readTextValue(cursor));
  }
  return list.length === 1 ? first : list;
};
