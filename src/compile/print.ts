import { formatAddress } from '../net/address.ts';
import { PROTOCOL_NUMBER, PROTOCOLS } from '../net/protocol.ts';
import type { DataType, Value } from '../ruleset/data-type.ts';
import { typeOf, type Expression } from '../ruleset/expression.ts';
import type { MapElement } from '../ruleset/map-element.ts';
import type { Operand, Statement } from '../ruleset/statement.ts';
import type { BaseChain, Interval, NamedSet, Rule, Table } from '../ruleset/table.ts';
import type { RejectKind, Verdict } from '../ruleset/verdict.ts';
import { TABLE } from './names.ts';
import { planChange } from './plan-change.ts';
import type { Operation, Transaction } from './transaction.ts';

const OWN = `${TABLE.family} ${TABLE.name}`;

const printVerdict = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'jump':
    case 'goto':
      return `${verdict.kind} ${verdict.chain}`;
    case 'reject':
      return REJECT_TEXT[verdict.with];
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      return verdict.kind;
  }
};

const REJECT_TEXT: Readonly<Record<RejectKind, string>> = {
  'tcp-reset': 'reject with tcp reset',
  'port-unreachable': 'reject with icmpx type port-unreachable',
  'admin-prohibited': 'reject with icmpx type admin-prohibited',
  other: 'reject',
};

const printExpression = (expression: Expression): string => {
  switch (expression.kind) {
    case 'payload':
      return `${expression.protocol} ${expression.field}`;
    case 'meta':
      return expression.key === 'iif' || expression.key === 'oif' ? expression.key : `meta ${expression.key}`;
    case 'ct':
      return `ct ${expression.direction === null ? '' : `${expression.direction} `}${expression.key}`;
    case 'fib':
      return `fib ${expression.flags.join(' . ')} ${expression.result}`;
  }
};

const printKey = (key: readonly Expression[]): string => key.map(printExpression).join(' . ');

/** One number in the form that nft reads for its type; addresses and protocols by name, the others as they are. */
const printNumber = (value: bigint, type: DataType): string => {
  if (type === 'ipv4_addr') return formatAddress({ family: 4, value });
  if (type === 'ipv6_addr') return formatAddress({ family: 6, value });
  if (type === 'inet_proto')
    return PROTOCOLS.find((protocol) => BigInt(PROTOCOL_NUMBER[protocol]) === value) ?? value.toString();
  if (type === 'nf_proto') return value === 2n ? 'ipv4' : 'ipv6';
  return value.toString();
};

const printValue = (value: Value, type: DataType): string => {
  if (value.kind === 'symbol') return type === 'iface_index' ? `"${value.name}"` : value.name;
  const first = printNumber(value.first, type);
  return value.first === value.last ? first : `${first}-${printNumber(value.last, type)}`;
};

const printValues = (list: readonly Value[], type: DataType): string =>
  list.length === 1 && list[0] !== undefined
    ? printValue(list[0], type)
    : `{ ${list.map((value) => printValue(value, type)).join(', ')} }`;

const printOperand = (operand: Operand, left: readonly Expression[]): string =>
  operand.kind === 'set'
    ? `@${operand.name}`
    : printValues(operand.values, left[0] === undefined ? 'unknown' : typeOf(left[0]));

const printElementKey = (key: readonly Value[], types: readonly DataType[]): string =>
  key.map((value, index) => printValue(value, types[index] ?? 'unknown')).join(' . ');

const printElements = (elements: readonly MapElement[], types: readonly DataType[]): string =>
  elements.map(({ key, verdict }) => `${printElementKey(key, types)} : ${printVerdict(verdict)}`).join(', ');

const printStatement = (statement: Statement): string => {
  switch (statement.kind) {
    case 'match':
      return `${printKey(statement.left)} ${statement.negate ? '!= ' : ''}${printOperand(statement.right, statement.left)}`;
    case 'vmap': {
      const { key, map } = statement;
      return `${printKey(key)} vmap ${map.kind === 'named' ? `@${map.name}` : `{ ${printElements(map.elements, key.map(typeOf))} }`}`;
    }
    case 'update':
      return `update @${statement.set} { ${printKey(statement.key)}${statement.counted ? ' counter' : ''} }`;
    case 'counter': {
      const { packets, bytes } = statement.counter;
      return packets === 0n ? 'counter' : `counter packets ${packets} bytes ${bytes}`;
    }
    case 'counter-named':
      return `counter name ${statement.name}`;
    case 'limit':
      return `limit rate ${statement.rate}/${statement.per} burst ${statement.burst} packets`;
    case 'reject':
      return REJECT_TEXT[statement.with];
    case 'verdict':
      return printVerdict(statement.verdict);
    case 'unknown':
      return statement.text;
  }
};

/** A rule as nft reads it. */
export const printRule = (rule: Rule): string => rule.statements.map(printStatement).join(' ');

const printInterval = ({ first, last }: Interval, type: 'ipv4_addr' | 'ipv6_addr'): string => {
  if (first === last) return printNumber(first, type);
  const size = last - first + 1n;
  const aligned = (size & (size - 1n)) === 0n && (first & (size - 1n)) === 0n;
  const width = type === 'ipv4_addr' ? 32 : 128;
  return aligned
    ? `${printNumber(first, type)}/${width - size.toString(2).length + 1}`
    : `${printNumber(first, type)}-${printNumber(last, type)}`;
};

const printSet = (set: NamedSet): string => {
  switch (set.kind) {
    case 'addresses':
      return `add set ${OWN} ${set.name} { type ${set.type}; flags interval; }`;
    case 'verdict-map':
      return `add map ${OWN} ${set.name} { type ${set.types.join(' . ')} : verdict;${set.interval ? ' flags interval;' : ''}${set.counted ? ' counter;' : ''} }`;
    case 'dynamic':
      return `add set ${OWN} ${set.name} { type ${set.types.join(' . ')}; size ${set.size}; flags dynamic,timeout; timeout ${set.timeout}s; }`;
    case 'opaque':
      return `# ${set.name}`;
  }
};

const printBase = ({ type, hook, priority, policy }: BaseChain): string =>
  ` { type ${type} hook ${hook} priority ${priority}; policy ${policy}; }`;

/** The types of a map's key follow from our own names: the address of a VIP map, protocol and port of the others. */
const keyTypes = (element: MapElement, map: string): readonly DataType[] =>
  element.key.length === 3
    ? [map.endsWith('4') ? 'ipv4_addr' : 'ipv6_addr', 'inet_proto', 'inet_service']
    : ['inet_proto', 'inet_service'];

const printOperation = (operation: Operation): readonly string[] => {
  switch (operation.kind) {
    case 'add-table':
      return [`add table ${OWN}`];
    case 'delete-table':
      return [`delete table ${OWN}`];
    case 'add-counter':
      return [`add counter ${OWN} ${operation.name}`];
    case 'delete-counter':
      return [`delete counter ${OWN} ${operation.name}`];
    case 'add-set':
      return [printSet(operation.set)];
    case 'delete-set':
      return [`delete set ${OWN} ${operation.name}`];
    case 'add-chain':
      return [`add chain ${OWN} ${operation.name}${operation.base === null ? '' : printBase(operation.base)}`];
    case 'delete-chain':
      return [`delete chain ${OWN} ${operation.name}`];
    case 'replace-rules':
      return [
        `flush chain ${OWN} ${operation.chain}`,
        ...operation.rules.map((rule) => `add rule ${OWN} ${operation.chain} ${printRule(rule)}`),
      ];
    case 'add-intervals':
    case 'delete-intervals': {
      const { set, type, intervals } = operation;
      const verb = operation.kind === 'add-intervals' ? 'add' : 'delete';
      return [
        `${verb} element ${OWN} ${set} { ${intervals.map((interval) => printInterval(interval, type)).join(', ')} }`,
      ];
    }
    case 'add-keys':
      return [
        `add element ${OWN} ${operation.map} { ${operation.elements
          .map((element) => printElements([element], keyTypes(element, operation.map)))
          .join(', ')} }`,
      ];
    case 'delete-keys':
      return [
        `delete element ${OWN} ${operation.map} { ${operation.elements
          .map((element) => printElementKey(element.key, keyTypes(element, operation.map)))
          .join(', ')} }`,
      ];
  }
};

/** A transaction as `nft -f` reads it: one operation a line, in an order in which every name is known before it is used. */
export const printTransaction = ({ operations }: Transaction): string =>
  `${operations.flatMap(printOperation).join('\n')}\n`;

/** The whole table as `nft -f` reads it, for a kernel that has none. */
export const printTable = (table: Table): string => {
  const { stage, switch: switched } = planChange(null, table);
  return [...stage, ...switched].map(printTransaction).join('');
};
