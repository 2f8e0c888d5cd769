import type { Statement } from '../../src/ruleset/nft/statement.ts';
import type { NamedSet, Table } from '../../src/ruleset/table.ts';
import type { Value } from '../../src/ruleset/values/data-type.ts';

const isSlowSet = (set: NamedSet): boolean => {
  switch (set.kind) {
    case 'addresses':
      return set.interval;
    case 'elements':
    case 'verdict-map':
    case 'data-map':
      return set.interval && set.types.length < 2;
    case 'dynamic':
      return false;
    case 'opaque':
      return true;
  }
};

const isRange = (value: Value): boolean => value.kind !== 'range' || value.first !== value.last;

/** Several values in one rule are a set without a name; with a range among them a set of intervals. */
const isSlowStatement = (statement: Statement): boolean => {
  if (statement.kind === 'vmap' && statement.map.kind === 'inline')
    return statement.map.elements.some(({ key }) => key.length < 2 && key.some(isRange));
  return (
    statement.kind === 'match' &&
    statement.right.kind === 'values' &&
    statement.right.values.length > 1 &&
    statement.right.values.some(isRange)
  );
};

/**
 * Sets and maps of intervals with one field, named or not: every nft on the node would fetch them before it adds an
 * element.
 */
export const slowSets = (table: Table): readonly string[] => [
  ...[...table.sets.values()].filter(isSlowSet).map(({ name }) => name),
  ...[...table.chains.values()].flatMap(({ name, rules }) =>
    rules.flatMap(({ statements }, index) => (statements.some(isSlowStatement) ? [`${name} rule ${index + 1}`] : [])),
  ),
];
