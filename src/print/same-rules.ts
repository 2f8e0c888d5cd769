import type { Statement } from '../ruleset/nft/statement.ts';
import type { Rule } from '../ruleset/table.ts';

/** A rule as text that is equal for equal rules: without handles and without what the kernel has counted. */
const fingerprints = new WeakMap<Rule, string>();

const plain = (statement: Statement): unknown =>
  statement.kind === 'counter'
    ? { kind: 'counter' }
    : statement.kind === 'vmap' && statement.map.kind === 'inline'
      ? { ...statement, map: statement.map.elements.map(({ key, verdict }) => ({ key, verdict })) }
      : statement;

const fingerprint = (rule: Rule): string => {
  const known = fingerprints.get(rule);
  if (known !== undefined) return known;
  const text = JSON.stringify(rule.statements.map(plain), (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  fingerprints.set(rule, text);
  return text;
};

/** Whether two chains hold the same rules in the same order, counters and handles apart. */
export const sameRules = (a: readonly Rule[], b: readonly Rule[]): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every((rule, index) => {
      const other = b[index];
      return other !== undefined && fingerprint(rule) === fingerprint(other);
    }));

/** The rules of a chain as one text: equal exactly for chains of which {@link sameRules} holds. */
export const rulesText = (rules: readonly Rule[]): string => rules.map(fingerprint).join('\n');
