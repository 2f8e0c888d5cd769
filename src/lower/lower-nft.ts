import { single, symbol, type Value } from '../ruleset/values/data-type.ts';
import { typeOf, type Expression } from '../ruleset/nft/expression.ts';
import { printStatement } from '../print/nft.ts';
import { isFamily, readNft, readNftKey, type NftReading } from './nft-value-source.ts';
import type { Operand, NatStatement, Statement } from '../ruleset/nft/statement.ts';
import type { Arm, NatStep, Step } from './step.ts';
import type { Rule } from '../ruleset/table.ts';
import type { ValueSource } from './value-source.ts';

const unknown = (statement: Statement, may: 'match' | 'match-and-decide' = 'match-and-decide'): Step[] => [
  { kind: 'unknown', text: printStatement(statement), may },
];

const divisor = (a: bigint, b: bigint): bigint => (b === 0n ? a : divisor(b, a % b));

/** The share of `count` of `modulus` equally likely numbers. */
const shareOf = (count: bigint, modulus: number) => {
  const common = divisor(count, BigInt(modulus));
  return { over: count / common, of: BigInt(modulus) / common };
};

type Chance = Extract<Expression, { kind: 'numgen' | 'hash' }>;

const isChance = (expression: Expression | undefined): expression is Chance =>
  expression?.kind === 'numgen' || expression?.kind === 'hash';

const howOf = (chance: Chance): 'random' | 'turn' | 'hash' =>
  chance.kind === 'hash' ? 'hash' : chance.mode === 'random' ? 'random' : 'turn';

/** How many of the numbers that a generator gives lie in a value: it gives `offset` to `offset + modulus - 1`. */
const hits = ({ modulus, offset }: Chance, values: readonly Value[]): bigint => {
  const [low, high] = [BigInt(offset), BigInt(offset + modulus - 1)];
  return values.reduce((sum, value) => {
    if (value.kind !== 'range') return sum;
    const [first, last] = [value.first > low ? value.first : low, value.last < high ? value.last : high];
    return first > last ? sum : sum + last - first + 1n;
  }, 0n);
};

/** What a generator reads before it gives a number: a packet that has none of it does not match. */
const impliedBy = (chance: Chance): readonly Step[] =>
  chance.kind === 'hash' ? chance.of.flatMap((part) => readNft(part)?.implies ?? []) : [];

/** One arm for each outcome; what no outcome covers comes to `otherwise` (null: no match). */
const chooseFrom = (
  chance: Chance,
  outcomes: readonly { readonly values: readonly Value[]; readonly then: readonly Step[] | null }[],
  otherwise: readonly Step[] | null = null,
): Step => {
  const arms: Arm[] = [];
  let rest = BigInt(chance.modulus);
  for (const { values, then } of outcomes) {
    const count = hits(chance, values);
    if (count === 0n) continue;
    rest -= count;
    arms.push({ share: shareOf(count, chance.modulus), then });
  }
  if (rest > 0n) arms.push({ share: shareOf(rest, chance.modulus), then: otherwise });
  return { kind: 'choose', how: howOf(chance), arms };
};

const FLAG_SYMBOLS: ReadonlySet<string> = new Set(['ct_state', 'ct_status']);

/** `ct status & dnat == dnat` (or `!= 0`) asks for one bit by name. */
const namedBit = (left: Expression, right: Operand, negate: boolean): Step[] | null => {
  if (left.kind !== 'bitwise' || left.op !== '&' || !FLAG_SYMBOLS.has(typeOf(left.left))) return null;
  const mask = left.right.kind === 'constant' ? left.right.value : null;
  const reading = readNft(left.left);
  const [value] = right.kind === 'values' || right.kind === 'flags' ? right.values : [];
  if (mask?.kind !== 'symbol' || reading === null || value === undefined) return null;
  const isZero = value.kind === 'range' && value.first === 0n && value.last === 0n;
  if (!isZero && !(value.kind === 'symbol' && value.name === mask.name)) return null;
  return [
    ...reading.implies,
    { kind: 'test', field: reading.reading, negate: isZero ? !negate : negate, values: [mask] },
  ];
};

/**
 * `fib saddr . iif oif missing`: is there no way back (nft(8), FIB EXPRESSIONS)? The same can be asked with other keys.
 */
const reversePath = (left: Expression, right: Operand, negate: boolean): Step[] | null => {
  if (left.kind !== 'fib' || left.result === 'type' || right.kind !== 'values') return null;
  const [value] = right.values;
  if (value?.kind !== 'range' || value.first > 1n || value.first !== value.last) return null;
  const exists = value.first === 1n;
  const isWayBack = left.flags.every((flag) => flag === 'saddr' || flag === 'iif');
  const reading = isWayBack ? null : readNft(left);
  if (reading !== null)
    return [{ kind: 'test', field: reading.reading, negate: exists !== negate, values: [symbol('')] }];
  const field = left.flags.includes('iif') ? 'reverse-path' : 'reverse-path-loose';
  return [{ kind: 'test', field, negate: exists === negate, values: [symbol('yes')] }];
};

const lowerFlags = ({ reading, implies }: NftReading, values: readonly Value[], negate: boolean): Step[] | null => {
  if (values.every((value) => value.kind === 'symbol'))
    return [...implies, { kind: 'test', field: reading, negate, values }];
  // Bits as numbers (tcp flags): any of them is set.
  if (typeof reading !== 'string') return null;
  const bits = values.reduce((sum, value) => (value.kind === 'range' ? sum | value.first : sum), 0n);
  const masked: ValueSource = { kind: 'masked', field: reading, and: bits, xor: 0n, shift: 0 };
  return [...implies, { kind: 'test', field: masked, negate: !negate, values: [single(0)] }];
};

/**
 * Flags behind `!=`, or one by one in a set, are compared as one number (netlink: `cmp neq reg 1 0x48` for `ct state !=
 * new,untracked`). A state is one flag, so it never equals two; a status with a mapping has hidden bits beside it
 * (IPS_DST_NAT_DONE, IPS_SRC_NAT_DONE).
 */
const wholeFlags = (left: Expression, right: Operand, negate: boolean): Step[] | null => {
  if ((right.kind !== 'values' && right.kind !== 'flags') || (right.kind === 'flags' && !negate)) return null;
  const read = readNft(left);
  if (read === null) return null;
  const never: Step = { kind: 'test', field: read.reading, negate, values: [] };
  if (typeOf(left) === 'ct_state')
    return right.kind === 'flags' && right.values.length > 1 ? [...read.implies, never] : null;
  if (typeOf(left) !== 'ct_status') return null;
  const isMapping = (value: Value): boolean => value.kind === 'symbol' && /^[sd]nat$/.test(value.name);
  if (right.kind === 'flags' ? right.values.some(isMapping) : right.values.every(isMapping))
    return [...read.implies, never];
  return [{ kind: 'unknown', text: 'ct status as one number', may: 'match' }];
};

const lowerMatch = (statement: Extract<Statement, { kind: 'match' }>): readonly Step[] => {
  const { left, right, negate } = statement;
  const [first, ...more] = left;
  if (isChance(first) && more.length === 0 && right.kind === 'values')
    return [
      ...impliedBy(first),
      chooseFrom(first, [{ values: right.values, then: negate ? null : [] }], negate ? [] : null),
    ];
  if (first !== undefined && more.length === 0) {
    const special =
      namedBit(first, right, negate) ?? reversePath(first, right, negate) ?? wholeFlags(first, right, negate);
    if (special !== null) return special;
  }
  const key = readNftKey(left);
  if (key === null) return unknown(statement, 'match');
  const { readings, implies } = key;
  switch (right.kind) {
    case 'set':
      return [...implies, { kind: 'lookup', key: readings, negate, set: right.name }];
    case 'elements':
      return [...implies, { kind: 'lookup', key: readings, negate, set: right.elements }];
    case 'flags':
    case 'values': {
      const [reading] = readings;
      if (reading === undefined || readings.length > 1) return unknown(statement, 'match');
      if (right.kind === 'flags')
        return lowerFlags({ reading, implies }, right.values, negate) ?? unknown(statement, 'match');
      return [...implies, { kind: 'test', field: reading, negate, values: right.values }];
    }
  }
};

const lowerVmap = (statement: Extract<Statement, { kind: 'vmap' }>): readonly Step[] => {
  const { key, map } = statement;
  const [first, ...more] = key;
  if (isChance(first) && more.length === 0 && map.kind === 'inline')
    return [
      ...impliedBy(first),
      chooseFrom(
        first,
        map.elements.map((element) => ({
          values: element.key,
          then: element.verdict.kind === 'continue' ? [] : [{ kind: 'verdict', verdict: element.verdict }],
        })),
      ),
    ];
  const read = readNftKey(key);
  if (read === null) return unknown(statement);
  return [
    ...read.implies,
    { kind: 'verdict-map', key: read.readings, map: map.kind === 'named' ? map.name : map.elements },
  ];
};

const constantOf = (value: Value | undefined): ValueSource | null =>
  value === undefined ? null : { kind: 'constant', value };

const NAT_FAMILY = { ip: 4, ip6: 6 } as const;

const lowerNat = (statement: NatStatement): readonly Step[] => {
  const { how, family, address, port, flags, both } = statement;
  const nat = (to: NatStep['to']): NatStep => ({
    kind: 'nat',
    how: flags.includes('prefix') || flags.includes('netmap') ? 'netmap' : how,
    to,
    random: flags.some((flag) => flag === 'random' || flag === 'fully-random'),
    persistent: flags.includes('persistent'),
    ...(family === null ? {} : { family: NAT_FAMILY[family] }),
  });
  const portReading = port === null ? null : readNft(port);
  if (port !== null && portReading === null) return unknown(statement);
  const portPart = portReading?.reading ?? null;
  if (address === null) return [...(portReading?.implies ?? []), nat({ address: null, port: portPart })];
  if (address.kind === 'map') {
    const { key, map } = address;
    const [first, ...more] = key;
    if (isChance(first) && more.length === 0 && map.kind === 'inline')
      return [
        ...impliedBy(first),
        chooseFrom(
          first,
          map.elements.map(({ key: numbers, data }) => ({
            values: numbers,
            then: [nat({ address: constantOf(data[0]), port: data.length > 1 ? constantOf(data[1]) : portPart })],
          })),
        ),
      ];
    const read = readNftKey(key);
    if (read === null) return unknown(statement);
    const part = (index: number): ValueSource => ({
      kind: 'mapped',
      key: read.readings,
      map: map.kind === 'named' ? map.name : map.elements,
      part: index,
    });
    return [...read.implies, nat({ address: part(0), port: both ? part(1) : portPart })];
  }
  if (address.kind === 'concat') {
    const read = readNftKey(address.parts);
    const [to, toPort] = read?.readings ?? [];
    return read === null || to === undefined
      ? unknown(statement)
      : [...read.implies, nat({ address: to, port: toPort ?? portPart })];
  }
  const read = readNft(address);
  return read === null
    ? unknown(statement)
    : [...read.implies, ...(portReading?.implies ?? []), nat({ address: read.reading, port: portPart })];
};

type Written = Extract<Step, { kind: 'write' }>['field'];

const WRITES: Readonly<Record<string, Written>> = {
  'meta mark': 'mark',
  'ct mark': 'ct-mark',
  'ct zone': 'ct-zone',
  'ip dscp': 'dscp',
  'ip6 dscp': 'dscp',
  'meta priority': 'priority',
  'ip ttl': 'ttl',
  'ip6 hoplimit': 'ttl',
};

const targetName = (target: Expression): string => {
  switch (target.kind) {
    case 'meta':
    case 'ct':
      return `${target.kind} ${target.key}`;
    case 'payload':
      return `${target.protocol} ${target.field}`;
    default:
      return 'other';
  }
};

/** What a value that is made at random or of a hash implies. */
const valueImplies = (value: Expression): readonly Step[] => {
  const chance = value.kind === 'map' ? value.key[0] : value;
  return isChance(chance) ? impliedBy(chance) : [];
};

const lowerMangle = (statement: Extract<Statement, { kind: 'mangle' }>): readonly Step[] => {
  const { target, value } = statement;
  const name = targetName(target);
  if (name === 'meta nftrace') return [{ kind: 'note', what: 'trace' }];
  const field = WRITES[name] ?? 'other';
  // Rewriting addresses or ports by hand has no model: what happens afterwards is unknown.
  if (target.kind === 'payload' && field === 'other') return unknown(statement);
  const [own, read] = [readNft(target), readNft(value)];
  const implies = [...(own?.implies ?? []), ...(read?.implies ?? valueImplies(value))];
  if (read === null) return [...implies, { kind: 'write', field, keep: 0n, value: { kind: 'unknown', text: name } }];
  const { reading } = read;
  if (typeof reading === 'object' && reading.kind === 'masked' && reading.field === own?.reading && reading.shift === 0)
    return [
      ...implies,
      { kind: 'write', field, keep: reading.and, value: { kind: 'constant', value: single(reading.xor) } },
    ];
  return [...implies, { kind: 'write', field, keep: 0n, value: reading }];
};

/** Comments of iptables that nft can only name change nothing. */
const HARMLESS_XT: ReadonlySet<string> = new Set(['comment', 'LOG', 'NFLOG', 'TRACE', 'CHECKSUM', 'TCPMSS']);

/**
 * A set that is full does not take the element, and the rule ends (net/netfilter/nft_dynset.c); behind the last
 * statement nobody notices.
 */
const lowerUpdate = (statement: Extract<Statement, { kind: 'update' }>, isLast: boolean): readonly Step[] => {
  const key = readNftKey(statement.key);
  const implies = key?.implies ?? [];
  if (statement.inner !== undefined)
    return [...implies, { kind: 'maybe', why: 'limit', name: statement.set, text: 'meter' }];
  return isLast
    ? [...implies, { kind: 'record', what: 'dynamic-set', name: statement.set }]
    : [...implies, { kind: 'maybe', why: 'dynamic-set', name: statement.set }];
};

const lowerStatement = (statement: Statement, isLast: boolean): readonly Step[] => {
  switch (statement.kind) {
    case 'match':
      return lowerMatch(statement);
    case 'vmap':
      return lowerVmap(statement);
    case 'update':
      return lowerUpdate(statement, isLast);
    case 'update-map':
      return [
        ...(readNftKey([...statement.key, ...statement.data])?.implies ?? []),
        isLast
          ? { kind: 'record', what: 'dynamic-set', name: statement.map }
          : { kind: 'maybe', why: 'dynamic-set', name: statement.map },
      ];
    case 'counter':
    case 'counter-named':
    case 'comment':
      return [];
    case 'limit':
      return [{ kind: 'maybe', why: 'limit', text: `${statement.rate}/${statement.per}` }];
    case 'quota':
      return [{ kind: 'maybe', why: 'quota' }];
    case 'connlimit':
      return [{ kind: 'maybe', why: 'connlimit', text: String(statement.count) }];
    case 'object':
      if (statement.of === 'limit' || statement.of === 'quota')
        return [{ kind: 'maybe', why: statement.of, name: statement.name }];
      if (statement.of === 'synproxy') return unknown(statement);
      return [{ kind: 'note', what: 'other', text: `${statement.of} ${statement.name}` }];
    case 'reject':
      return [
        // The kind of answer says to whom (nft's src/evaluate.c, stmt_evaluate_reject_family).
        ...(statement.type === 'icmp' ? [isFamily(2)] : statement.type === 'icmpv6' ? [isFamily(10)] : []),
        // A reset needs TCP: nft tests for it, and lists it only where it stands first (nft(8), REJECT STATEMENT).
        ...(statement.with === 'tcp-reset'
          ? [{ kind: 'test', field: 'protocol', negate: false, values: [single(6)] } as const]
          : []),
        { kind: 'verdict', verdict: { kind: 'reject', with: statement.with } },
      ];
    case 'nat':
      return lowerNat(statement);
    case 'mangle':
      return lowerMangle(statement);
    case 'notrack':
      return [{ kind: 'notrack' }];
    case 'log':
      return [{ kind: 'note', what: 'log', text: statement.text }];
    case 'tproxy': {
      const [address, port] = [statement.address, statement.port].map((part) => (part === null ? null : readNft(part)));
      return [
        { kind: 'tproxy', address: address?.reading ?? null, port: port?.reading ?? null, otherwise: 'continue' },
      ];
    }
    case 'dup':
      return [{ kind: 'note', what: 'copy', text: statement.text }];
    case 'offload':
      return [{ kind: 'note', what: 'offload', text: statement.flowtable }];
    // The node answers for the server, and connects to it itself (net/netfilter/nft_synproxy.c).
    case 'synproxy':
    case 'fwd':
      return unknown(statement);
    case 'xt':
      if (HARMLESS_XT.has(statement.name)) return [{ kind: 'note', what: 'comment', text: statement.name }];
      return unknown(statement, statement.type === 'match' ? 'match' : 'match-and-decide');
    case 'verdict':
      return statement.verdict.kind === 'continue' ? [] : [{ kind: 'verdict', verdict: statement.verdict }];
    case 'unknown':
      return [{ kind: 'unknown', text: statement.text, may: 'match-and-decide' }];
  }
};

const HAS_NO_EFFECT: ReadonlySet<Statement['kind']> = new Set(['counter', 'counter-named', 'comment', 'log']);

/** The meaning of an nftables rule, from its syntax. */
export const lowerNft = ({ statements }: Rule): readonly Step[] =>
  statements.flatMap((statement, index) =>
    lowerStatement(
      statement,
      statements.slice(index + 1).every(({ kind }) => HAS_NO_EFFECT.has(kind)),
    ),
  );
