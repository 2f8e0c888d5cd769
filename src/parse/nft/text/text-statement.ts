import type { Cursor } from './cursor.ts';
import {
  expectNumber,
  NotUnderstood,
  readTextExpression,
  readTextRight,
  readTextValue,
  secondsOf,
  startsExpression,
  type Json,
} from './text-expression.ts';
import { readPlainVerdict } from './text-verdict.ts';
import type { Token } from './tokens.ts';

const isOver = (cursor: Cursor): boolean => {
  const { kind, text } = cursor.peek();
  return kind === 'end' || (kind === 'mark' && text === '}') || cursor.atEnd();
};

/** Words up to the end of a statement whose details decide nothing. */
const rest = (cursor: Cursor, stop: ReadonlySet<string>): string => {
  const words: string[] = [];
  const isNext = ({ kind, text: word }: Token): boolean => kind === 'word' && (stop.has(word) || word.startsWith('#'));
  while (!isOver(cursor) && !isNext(cursor.peek())) {
    const { kind, text } = cursor.next();
    words.push(kind === 'quoted' ? JSON.stringify(text) : text);
  }
  return words.join(' ');
};

const STATEMENT_WORDS: ReadonlySet<string> = new Set(
  'accept drop return continue jump goto queue counter limit reject dnat snat masquerade redirect notrack comment log meta ct ip ip6 tcp udp'.split(
    ' ',
  ),
);

const limit = (cursor: Cursor): Json => {
  if (cursor.take('name')) return { limit: cursor.next().text };
  if (!cursor.take('rate')) throw new NotUnderstood('rate is missing');
  const inv = cursor.take('over');
  const [amount = '', unitOrPer] = cursor.next().text.split('/');
  let per = unitOrPer;
  let unit: string | undefined;
  if (per === undefined) [unit, per] = cursor.next().text.split('/') as [string, string | undefined];
  let burst: number | undefined;
  let burstUnit: string | undefined;
  if (cursor.take('burst')) {
    burst = expectNumber(cursor);
    burstUnit = cursor.next().text;
  }
  return {
    limit: {
      rate: Number(amount),
      per,
      ...(unit === undefined ? {} : { rate_unit: unit }),
      ...(burst === undefined ? {} : { burst }),
      ...(burstUnit === undefined || unit === undefined ? {} : { burst_unit: burstUnit }),
      ...(inv ? { inv: true } : {}),
    },
  };
};

const reject = (cursor: Cursor): Json => {
  if (!cursor.take('with')) return { reject: null };
  const type = cursor.next().text;
  if (type === 'tcp') {
    cursor.take('reset');
    return { reject: { type: 'tcp reset' } };
  }
  cursor.take('type');
  return { reject: { type, expr: cursor.next().text } };
};

const NAT_FLAGS: ReadonlySet<string> = new Set(['random', 'fully-random', 'persistent']);

/** `10.0.0.1:80`, `[fd00::1]:80`, `:80`, an address alone. */
const splitPort = (text: string): { addr?: string; port?: unknown } => {
  const bracketed = /^\[(.+)\](?::(.+))?$/.exec(text);
  if (bracketed !== null) return parts(bracketed[1], bracketed[2]);
  if (text.startsWith(':') && !text.startsWith('::')) return parts(undefined, text.slice(1));
  const v4 = /^([\d.]+(?:-[\d.]+)?):(.+)$/.exec(text);
  return v4 === null ? { addr: text } : parts(v4[1], v4[2]);
};

const parts = (addr: string | undefined, port: string | undefined): { addr?: string; port?: unknown } => ({
  ...(addr === undefined ? {} : { addr }),
  ...(port === undefined ? {} : { port: portValue(port) }),
});

const portValue = (text: string): unknown => {
  const [first = '', last] = text.split('-');
  return last === undefined ? Number(first) : { range: [Number(first), Number(last)] };
};

const addressValue = (text: string): unknown => {
  const prefix = /^(.+)\/(\d+)$/.exec(text);
  if (prefix !== null) return { prefix: { addr: prefix[1], len: Number(prefix[2]) } };
  const range = /^([0-9a-f.:]+)-([0-9a-f.:]+)$/i.exec(text);
  return range === null ? text : { range: [range[1], range[2]] };
};

const natTarget = (cursor: Cursor): Json => {
  if (startsExpression(cursor)) {
    const addr = readTextExpression(cursor);
    return cursor.take(':') ? { addr, port: readTextRight(cursor) } : { addr };
  }
  const { addr, port } = splitPort(cursor.next().text);
  const mapped = cursor.peek().text.startsWith(':') && cursor.peek().text !== ':';
  const later = port === undefined && mapped ? splitPort(cursor.next().text).port : port;
  return {
    ...(addr === undefined ? {} : { addr: addressValue(addr) }),
    ...(later === undefined ? {} : { port: later }),
  };
};

const nat = (cursor: Cursor, how: string): Json => {
  const family = ['ip', 'ip6'].find((name) => cursor.take(name));
  const typeFlags: string[] = [];
  if (cursor.take('prefix')) typeFlags.push('prefix');
  if (cursor.peek().text === 'addr') while (cursor.take('addr') || cursor.take('.') || cursor.take('port'));
  let target: Json = {};
  if (cursor.take('to')) target = natTarget(cursor);
  else if (cursor.peek().text.startsWith(':')) target = natTarget(cursor);
  const flags: string[] = [];
  while (NAT_FLAGS.has(cursor.peek().text) || (flags.length > 0 && cursor.peek().text === ','))
    if (!cursor.take(',')) flags.push(cursor.next().text);
  const content = {
    ...(family === undefined ? {} : { family }),
    ...target,
    ...(flags.length === 0 ? {} : { flags }),
    ...(typeFlags.length === 0 ? {} : { type_flags: typeFlags }),
  };
  return { [how]: Object.keys(content).length === 0 ? null : content };
};

/** `{ ip saddr timeout 1h limit rate over 10/second }`: what is added to a set, and its statements. */
const setElement = (cursor: Cursor, op: string): Json => {
  const set = cursor.next().text;
  if (!cursor.take('{')) throw new NotUnderstood('{ is missing');
  const key = readTextExpression(cursor);
  const timeout = cursor.take('timeout') ? secondsOf(cursor.next().text) : undefined;
  const stmt: Json[] = [];
  while (!isOver(cursor) && cursor.peek().text !== ':') stmt.push(readTextStatement(cursor));
  const data = cursor.take(':')
    ? startsExpression(cursor)
      ? readTextExpression(cursor)
      : readTextRight(cursor)
    : undefined;
  if (!cursor.take('}')) throw new NotUnderstood('} is missing');
  const elem = timeout === undefined ? key : { elem: { val: key, timeout } };
  if (data !== undefined) return { map: { op, elem, data, map: set } };
  return { set: { op, elem, set, ...(stmt.length === 0 ? {} : { stmt }) } };
};

const queue = (cursor: Cursor): Json => {
  const flags: string[] = [];
  let num: unknown = 0;
  for (;;) {
    if (cursor.take('flags'))
      do flags.push(cursor.next().text);
      while (cursor.take(','));
    else if (cursor.take('num') || cursor.take('to')) num = readTextValue(cursor);
    else if (cursor.take('bypass')) flags.push('bypass');
    else if (cursor.take('fanout')) flags.push('fanout');
    else return { queue: { num, flags } };
    cursor.take(',');
  }
};

const counter = (cursor: Cursor): Json => {
  if (cursor.take('name')) return { counter: cursor.next().text };
  if (!cursor.take('packets')) return { counter: { packets: 0, bytes: 0 } };
  const packets = expectNumber(cursor);
  return { counter: { packets, bytes: cursor.take('bytes') ? expectNumber(cursor) : 0 } };
};

const action = (cursor: Cursor, text: string): Json | null => {
  switch (text) {
    case 'counter':
      cursor.next();
      return counter(cursor);
    case 'limit':
      cursor.next();
      return limit(cursor);
    case 'reject':
      cursor.next();
      return reject(cursor);
    case 'queue':
      cursor.next();
      return queue(cursor);
    case 'dnat':
    case 'snat':
    case 'masquerade':
    case 'redirect':
      cursor.next();
      return nat(cursor, text);
    case 'notrack':
      cursor.next();
      return { notrack: null };
    case 'log':
    case 'dup':
    case 'fwd':
    case 'synproxy':
      cursor.next();
      return { [text]: { text: rest(cursor, STATEMENT_WORDS) } };
    case 'add':
    case 'update':
    case 'delete':
      cursor.next();
      return setElement(cursor, text);
    case 'flow':
      cursor.next();
      cursor.take('add');
      return { flow: { op: 'add', flowtable: cursor.next().text } };
    case 'quota': {
      cursor.next();
      if (cursor.take('name')) return { quota: cursor.next().text };
      const inv = cursor.take('over');
      return { quota: { text: `${cursor.next().text} ${cursor.next().text}`, ...(inv ? { inv: true } : {}) } };
    }
    case 'tproxy': {
      cursor.next();
      const family = ['ip', 'ip6'].find((name) => cursor.take(name));
      cursor.take('to');
      return { tproxy: { ...(family === undefined ? {} : { family }), ...natTarget(cursor) } };
    }
    case 'xt': {
      cursor.next();
      const type = cursor.next().text;
      return { xt: { type, name: cursor.next().text } };
    }
    default:
      return null;
  }
};

const ctStatement = (cursor: Cursor): Json | null => {
  if (cursor.peek().text !== 'ct') return null;
  const what = cursor.peek(1).text;
  if (what === 'count') {
    cursor.next();
    cursor.next();
    const inv = cursor.take('over');
    return { 'ct count': { val: expectNumber(cursor), ...(inv ? { inv: true } : {}) } };
  }
  if (!['helper', 'timeout', 'expectation'].includes(what) || cursor.peek(2).text !== 'set') return null;
  cursor.next();
  cursor.next();
  cursor.next();
  return { [`ct ${what}`]: cursor.next().text };
};

/** Flags are given by name and match where any of them does (op `in`). Everything else is equality. */
const implicitOperator = (left: unknown): string => {
  const object = left as Record<string, Record<string, unknown> | undefined>;
  const isFlags =
    object['ct']?.['key'] === 'state' ||
    object['ct']?.['key'] === 'status' ||
    (object['payload']?.['protocol'] === 'tcp' && object['payload']['field'] === 'flags');
  return isFlags ? 'in' : '==';
};

/** A comparison, a verdict map or an assignment: everything that begins with an expression. */
const expressionStatement = (cursor: Cursor): Json => {
  const left = readTextExpression(cursor);
  if (cursor.take('vmap')) return { vmap: { key: left, data: readTextRight(cursor) } };
  if (cursor.take('set')) {
    const value = startsExpression(cursor) ? readTextExpression(cursor) : readTextRight(cursor);
    return { mangle: { key: left, value } };
  }
  if (cursor.take('missing')) return { match: { op: '==', left, right: false } };
  if (cursor.take('exists')) return { match: { op: '==', left, right: true } };
  const operator = ['==', '!=', '<=', '>=', '<', '>'].find((op) => cursor.take(op));
  const right = readTextRight(cursor);
  // `tcp flags syn / syn,ack` is `tcp flags & (syn | ack) == syn`.
  if (cursor.take('/')) return { match: { op: operator ?? '==', left: { '&': [left, readTextRight(cursor)] }, right } };
  if (operator === undefined) {
    const isSet = typeof right === 'object' && right !== null && 'set' in right;
    return { match: { op: isSet ? '==' : implicitOperator(left), left, right } };
  }
  return { match: { op: operator, left, right } };
};

/** One statement in the JSON form; throws {@link NotUnderstood} where the words are not known. */
export const readTextStatement = (cursor: Cursor): Json => {
  const verdict = readPlainVerdict(cursor);
  if (verdict !== null) return verdict;
  const { text, kind } = cursor.peek();
  const done = kind === 'word' ? (action(cursor, text) ?? ctStatement(cursor)) : null;
  if (done !== null) return done;
  if (startsExpression(cursor)) return expressionStatement(cursor);
  throw new NotUnderstood(`${text} is not understood`);
};
