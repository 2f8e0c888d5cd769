import type { DataType, Value } from '../ruleset/values/data-type.ts';
import { printDataElements, printElementKey, printElements, printNumber, printRule } from './nft.ts';
import type { Interval, KnownSet, NamedSet, Table } from '../ruleset/table.ts';

/** A set's elements as nft reads them: intervals as ranges, everything else as it is. */
const printInterval = ({ first, last }: Interval, type: DataType): string =>
  first === last ? printNumber(first, type) : `${printNumber(first, type)}-${printNumber(last, type)}`;

const typeList = (types: readonly DataType[]): string => types.join(' . ');

const elementsOf = (set: KnownSet): string => {
  switch (set.kind) {
    case 'addresses':
      return set.intervals.map((interval) => printInterval(interval, set.type)).join(', ');
    case 'elements':
      return set.elements.map((key: readonly Value[]) => printElementKey(key, set.types)).join(', ');
    case 'verdict-map':
      return printElements(set.elements, set.types);
    case 'data-map':
      return printDataElements(set.elements, set.types, set.dataTypes);
    case 'dynamic':
      return '';
  }
};

const declaration = (set: KnownSet): readonly string[] => {
  switch (set.kind) {
    case 'addresses':
      return [
        `type ${set.type}`,
        ...(set.interval ? ['flags interval'] : []),
        ...(set.size === undefined ? [] : [`size ${set.size}`]),
      ];
    case 'elements':
      return [`type ${typeList(set.types)}`, ...(set.interval ? ['flags interval'] : [])];
    case 'verdict-map':
      return [
        `type ${typeList(set.types)} : verdict`,
        ...(set.interval ? ['flags interval'] : []),
        ...(set.counted ? ['counter'] : []),
      ];
    case 'data-map':
      return [
        `type ${typeList(set.types)} : ${typeList(set.dataTypes)}`,
        ...(set.interval ? ['flags interval'] : set.dynamic ? ['flags dynamic'] : []),
      ];
    case 'dynamic':
      return [
        `type ${typeList(set.types)}`,
        ...(set.size > 0 ? [`size ${set.size}`] : []),
        `flags dynamic${set.timeout > 0 ? ',timeout' : ''}`,
        ...(set.timeout > 0 ? [`timeout ${set.timeout}s`] : []),
      ];
  }
};

/** What stands in the declaration of a set or map, without signs between: its types, its flags, what it holds. */
export const printSetBody = (set: KnownSet): readonly string[] => {
  const elements = elementsOf(set);
  return [...declaration(set), ...(elements === '' ? [] : [`elements = { ${elements} }`])];
};

const printSet = (set: NamedSet): readonly string[] => {
  if (set.kind === 'opaque') return [`\t# ${set.name}: not understood`];
  const isMap = set.kind === 'verdict-map' || set.kind === 'data-map';
  return [`\t${isMap ? 'map' : 'set'} ${set.name} {`, ...printSetBody(set).map((line) => `\t\t${line}`), '\t}'];
};

/** A table as `nft -f` reads it and `nft list table` prints it, without what packets have put into it. */
export const printNftTable = ({ family, name, chains, sets, counters }: Table): string => {
  const lines = [
    `table ${family} ${name} {`,
    ...[...counters.keys()].map((counter) => `\tcounter ${counter} { }`),
    ...[...sets.values()].flatMap(printSet),
    ...[...chains.values()].flatMap(({ name: chain, base, rules }) => [
      `\tchain ${chain} {`,
      ...(base === null
        ? []
        : [
            `\t\ttype ${base.type} hook ${base.hook}${base.devices === undefined ? '' : ` devices = { ${base.devices.map((device) => `"${device}"`).join(', ')} }`} priority ${base.priority}; policy ${base.policy};`,
          ]),
      ...rules.map((rule) => `\t\t${printRule(rule)}`),
      '\t}',
    ]),
    '}',
  ];
  return `${lines.join('\n')}\n`;
};
