import { zero, type Counter } from '../../ruleset/values/counter.ts';
import type { Rule } from '../../ruleset/table.ts';
import { countedBy } from './treatment.ts';

/** What a chain has counted so far goes on in its first counter of the same kind. */
export const withCounts = (rules: readonly Rule[], before: readonly Rule[]): readonly Rule[] => {
  const sums = new Map<string, Counter>();
  for (const rule of before)
    for (const statement of rule.statements)
      if (statement.kind === 'counter') {
        const { packets, bytes } = sums.get(countedBy(rule)) ?? zero;
        const { counter } = statement;
        sums.set(countedBy(rule), { packets: packets + counter.packets, bytes: bytes + counter.bytes });
      }
  return rules.map((rule) => {
    const sum = sums.get(countedBy(rule)) ?? zero;
    if (sum.packets === 0n || !rule.statements.some(({ kind }) => kind === 'counter')) return rule;
    sums.delete(countedBy(rule));
    return {
      ...rule,
      statements: rule.statements.map((statement) =>
        statement.kind === 'counter' ? { ...statement, counter: sum } : statement,
      ),
    };
  });
};
