import { printElementKey, printElements, printNumber, printRule } from '../../print/nft.ts';
import type { BaseChain, Interval, KnownSet } from '../../ruleset/table.ts';
import { printSetBody } from '../../print/nft-table.ts';
import type { CompiledTable } from '../table/compiled-table.ts';
import { TABLE } from '../table/names.ts';
import { planChange } from './plan-change.ts';
import type { Operation, Transaction } from './transaction.ts';

const OWN = `${TABLE.family} ${TABLE.name}`;

const printInterval = ({ first, last }: Interval, type: 'ipv4_addr' | 'ipv6_addr'): string => {
  if (first === last) return printNumber(first, type);
  const size = last - first + 1n;
  const aligned = (size & (size - 1n)) === 0n && (first & (size - 1n)) === 0n;
  const width = type === 'ipv4_addr' ? 32 : 128;
  return aligned
    ? `${printNumber(first, type)}/${width - size.toString(2).length + 1}`
    : `${printNumber(first, type)}-${printNumber(last, type)}`;
};

/**
 * Elements in the place where a set is declared. For elements in a line of their own nft 1.0.6 first reads what all
 * sets of intervals hold.
 */
const printContent = (elements: string): string => (elements === '' ? '' : ` elements = { ${elements} };`);

const printIntervals = (intervals: readonly Interval[], type: 'ipv4_addr' | 'ipv6_addr'): string =>
  intervals.map((interval) => printInterval(interval, type)).join(', ');

const printSet = (set: KnownSet): string => {
  switch (set.kind) {
    case 'addresses':
      return `add set ${OWN} ${set.name} { type ${set.type};${set.interval ? ' flags interval;' : ''}${set.size === undefined ? '' : ` size ${set.size};`}${printContent(printIntervals(set.intervals, set.type))} }`;
    case 'verdict-map': {
      const content = set.interval ? ` flags interval;${printContent(printElements(set.elements, set.types))}` : '';
      return `add map ${OWN} ${set.name} { type ${set.types.join(' . ')} : verdict;${content}${set.counted ? ' counter;' : ''} }`;
    }
    case 'dynamic':
      return `add set ${OWN} ${set.name} { type ${set.types.join(' . ')}; size ${set.size}; flags dynamic,timeout; timeout ${set.timeout}s; }`;
    case 'elements':
      return `add set ${OWN} ${set.name} { ${printSetBody(set).join('; ')}; }`;
    case 'data-map':
      return `add map ${OWN} ${set.name} { ${printSetBody(set).join('; ')}; }`;
  }
};

const printBase = ({ type, hook, priority, policy }: BaseChain): string =>
  ` { type ${type} hook ${hook} priority ${priority}; policy ${policy}; }`;

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
    case 'add-keys':
      return [
        `add element ${OWN} ${operation.map} { ${operation.elements
          .map((element) => printElements([element], operation.types))
          .join(', ')} }`,
      ];
    case 'delete-keys':
      return [
        `delete element ${OWN} ${operation.map} { ${operation.elements
          .map((element) => printElementKey(element.key, operation.types))
          .join(', ')} }`,
      ];
  }
};

/**
 * A transaction as `nft -f` reads it: one operation a line, in an order in which every name is known before it is used.
 */
export const printTransaction = ({ operations }: Transaction): string =>
  `${operations.flatMap(printOperation).join('\n')}\n`;

/** The whole table as `nft -f` reads it, for a kernel that has none. */
export const printTable = (table: CompiledTable): string => {
  const { stage, switch: switched } = planChange(null, table);
  return [...stage, ...switched].map(printTransaction).join('');
};
