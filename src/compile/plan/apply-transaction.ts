import { keyText, type MapElement } from '../../ruleset/values/map-element.ts';
import { emptyTable, type Chain, type NamedSet, type Table } from '../../ruleset/table.ts';
import { zero, type Counter } from '../../ruleset/values/counter.ts';
import { TABLE } from '../table/names.ts';
import type { Operation, Transaction } from './transaction.ts';

/**
 * What a table is after a transaction, as the kernel would have it; null: there is no table. Operations on absent
 * objects change nothing.
 */
export const applyTransaction = (table: Table | null, { operations }: Transaction): Table | null =>
  operations.reduce<Table | null>(applyOperation, table);

const applyOperation = (table: Table | null, operation: Operation): Table | null => {
  if (operation.kind === 'add-table') {
    const { flags: _, ...awake } = table ?? emptyTable(TABLE.family, TABLE.name);
    return awake;
  }
  if (table === null || operation.kind === 'delete-table') return null;
  const chains = new Map<string, Chain>(table.chains);
  const sets = new Map<string, NamedSet>(table.sets);
  const counters = new Map<string, Counter>(table.counters);
  switch (operation.kind) {
    case 'add-counter':
      counters.set(operation.name, counters.get(operation.name) ?? zero);
      break;
    case 'delete-counter':
      counters.delete(operation.name);
      break;
    case 'add-set':
      sets.set(operation.set.name, sets.get(operation.set.name) ?? asAdded(operation.set));
      break;
    case 'delete-set':
      sets.delete(operation.name);
      break;
    case 'add-chain': {
      const { name, base } = operation;
      const there = chains.get(name);
      chains.set(name, there === undefined ? { name, base, rules: [] } : { ...there, base: base ?? there.base });
      break;
    }
    case 'delete-chain':
      chains.delete(operation.name);
      break;
    case 'replace-rules': {
      const chain = chains.get(operation.chain);
      if (chain !== undefined) chains.set(operation.chain, { ...chain, rules: operation.rules });
      break;
    }
    case 'add-keys':
    case 'delete-keys': {
      const map = sets.get(operation.map);
      if (map?.kind === 'verdict-map') sets.set(map.name, { ...map, elements: changeKeys(map.elements, operation) });
      break;
    }
  }
  return { ...table, chains, sets, counters };
};

/** With what it holds, if that is intervals. */
const asAdded = (set: NamedSet): NamedSet => {
  switch (set.kind) {
    case 'addresses':
    case 'opaque':
      return set;
    case 'verdict-map':
      return set.interval ? set : { ...set, elements: [] };
    case 'elements':
    case 'data-map':
    case 'dynamic':
      return { ...set, elements: [] };
  }
};

const changeKeys = (
  stored: readonly MapElement[],
  { kind, elements }: Extract<Operation, { kind: 'add-keys' | 'delete-keys' }>,
): readonly MapElement[] => {
  const touched = new Set(elements.map(keyText));
  const others = stored.filter((element) => !touched.has(keyText(element)));
  return kind === 'add-keys' ? [...others, ...elements] : others;
};
