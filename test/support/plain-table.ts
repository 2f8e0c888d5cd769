import { keyText } from '../../src/ruleset/values/map-element.ts';
import { rulesText } from '../../src/print/same-rules.ts';
import type { NamedSet, Table } from '../../src/ruleset/table.ts';

const plainSet = (set: NamedSet): unknown => {
  switch (set.kind) {
    case 'verdict-map':
      return {
        ...set,
        elements: set.elements.map((element) => `${keyText(element)} : ${JSON.stringify(element.verdict)}`).toSorted(),
      };
    case 'addresses':
      return { ...set, intervals: set.intervals.map(({ first, last }) => `${first}-${last}`) };
    case 'dynamic':
      return { ...set, elements: [] };
    case 'elements':
    case 'data-map':
    case 'opaque':
      return set;
  }
};

/** What a table says, without what the kernel counts and numbers, and without the order that means nothing. */
export const plainTable = (table: Table | null): unknown =>
  table === null
    ? null
    : {
        name: `${table.family} ${table.name}`,
        chains: [...table.chains.values()]
          .map(({ name, base, rules }) => ({ name, base, rules: rulesText(rules) }))
          .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        sets: [...table.sets.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(plainSet),
        counters: [...table.counters.keys()].toSorted(),
      };
