import { single } from './data-type.ts';
import type { Expression } from './expression.ts';
import type { Statement } from './statement.ts';
import type { Field, Step } from './step.ts';
import type { Rule } from './table.ts';

/** The field that an expression reads, and what nft silently tests first (nft(8): implicit dependencies). */
interface Reading {
  readonly field: Field;
  readonly implies: readonly Step[];
}

const isFamily = (number: number): Step => ({ kind: 'test', field: 'family', negate: false, values: [single(number)] });
const isProtocol = (number: number): Step => ({
  kind: 'test',
  field: 'protocol',
  negate: false,
  values: [single(number)],
});

// NFPROTO_IPV4 = 2, NFPROTO_IPV6 = 10 (include/uapi/linux/netfilter.h)
const IMPLIED: Readonly<Record<string, readonly Step[]>> = {
  ip: [isFamily(2)],
  ip6: [isFamily(10)],
  th: [],
  tcp: [isProtocol(6)],
  udp: [isProtocol(17)],
  sctp: [isProtocol(132)],
};
const PAYLOAD_FIELDS: Readonly<Record<string, Field>> = {
  saddr: 'source',
  daddr: 'destination',
  sport: 'source-port',
  dport: 'destination-port',
};
const META_FIELDS: Readonly<Record<string, Field>> = {
  l4proto: 'protocol',
  nfproto: 'family',
  iif: 'in-interface',
  iifname: 'in-interface',
  oif: 'out-interface',
  oifname: 'out-interface',
};

const read = (expression: Expression): Reading | null => {
  switch (expression.kind) {
    case 'payload': {
      const field = PAYLOAD_FIELDS[expression.field];
      const implies = IMPLIED[expression.protocol];
      return field === undefined || implies === undefined ? null : { field, implies };
    }
    case 'meta': {
      const field = META_FIELDS[expression.key];
      return field === undefined ? null : { field, implies: [] };
    }
    case 'ct':
      return expression.key === 'direction' && expression.direction === null
        ? { field: 'direction', implies: [] }
        : null;
    case 'fib': {
      if (expression.result !== 'type' || expression.flags.length !== 1) return null;
      if (expression.flags[0] === 'saddr') return { field: 'source-type', implies: [] };
      return expression.flags[0] === 'daddr' ? { field: 'destination-type', implies: [] } : null;
    }
    case 'raw-payload':
    case 'header-option':
    case 'rt':
    case 'socket':
    case 'numgen':
    case 'hash':
    case 'bitwise':
    case 'constant':
    case 'concat':
    case 'map':
    case 'opaque':
      return null;
  }
};

const readAll = (key: readonly Expression[]): { fields: Field[]; implies: Step[] } | null => {
  const readings = key.map(read);
  if (!readings.every((reading) => reading !== null)) return null;
  return { fields: readings.map(({ field }) => field), implies: readings.flatMap(({ implies }) => implies) };
};

const unknown = (statement: Statement): Step[] => [
  { kind: 'unknown', text: JSON.stringify(statement, bigintAsText), may: 'match-and-decide' },
];
const bigintAsText = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);

const lowerStatement = (statement: Statement): readonly Step[] => {
  switch (statement.kind) {
    case 'match': {
      const reading = readAll(statement.left);
      if (reading === null) return unknown(statement);
      const { fields, implies } = reading;
      const { negate, right } = statement;
      if (right.kind === 'set') return [...implies, { kind: 'lookup', key: fields, negate, set: right.name }];
      const [field, ...more] = fields;
      if (field === undefined || more.length > 0 || right.kind !== 'values') return unknown(statement);
      return [...implies, { kind: 'test', field, negate, values: right.values }];
    }
    case 'vmap': {
      const reading = readAll(statement.key);
      if (reading === null) return unknown(statement);
      const map = statement.map.kind === 'named' ? statement.map.name : statement.map.elements;
      return [...reading.implies, { kind: 'verdict-map', key: reading.fields, map }];
    }
    case 'update': {
      const reading = readAll(statement.key);
      return [...(reading?.implies ?? []), { kind: 'maybe', why: 'dynamic-set' }];
    }
    case 'counter':
    case 'counter-named':
    case 'comment':
      return [];
    case 'limit':
      return [{ kind: 'maybe', why: 'limit' }];
    case 'reject':
      return [{ kind: 'verdict', verdict: { kind: 'reject', with: statement.with } }];
    case 'verdict':
      return statement.verdict.kind === 'continue' ? [] : [{ kind: 'verdict', verdict: statement.verdict }];
    case 'log':
      return [{ kind: 'note', what: 'log', text: statement.text }];
    case 'update-map':
    case 'object':
    case 'quota':
    case 'connlimit':
    case 'nat':
    case 'mangle':
    case 'notrack':
    case 'tproxy':
    case 'dup':
    case 'fwd':
    case 'synproxy':
    case 'offload':
    case 'xt':
      return unknown(statement);
    case 'unknown':
      return [{ kind: 'unknown', text: statement.text, may: 'match-and-decide' }];
  }
};

/** The meaning of an nftables rule, from its syntax. */
export const lowerNft = (rule: Rule): readonly Step[] => rule.statements.flatMap(lowerStatement);
