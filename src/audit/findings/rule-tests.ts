import type { Value } from '../../ruleset/values/data-type.ts';
import { lower } from '../../lower/lower.ts';
import { readingsText } from '../../lower/value-source.ts';
import type { Step } from '../../lower/step.ts';
import type { AnyRule } from '../../ruleset/table.ts';
import type { Verdict } from '../../ruleset/values/verdict.ts';

/** A rule that only tests the packet and then decides: what can be compared with others. */
export interface PlainRule {
  readonly tests: ReadonlyMap<string, { readonly negate: boolean; readonly values: readonly Value[] }>;
  readonly verdict: Verdict | null;
}

const verdictOf = (steps: readonly Step[]): Verdict | null => {
  const last = steps.at(-1);
  return last?.kind === 'verdict' ? last.verdict : null;
};

/**
 * null where the rule does more than compare fields with values: sets, limits, marks, things that are not understood.
 */
export const plainRule = (rule: AnyRule): PlainRule | null => {
  const steps = lower(rule);
  const tests = new Map<string, { negate: boolean; values: readonly Value[] }>();
  for (const step of steps) {
    if (step.kind === 'note' || step.kind === 'verdict') continue;
    if (step.kind !== 'test') return null;
    const key = readingsText([step.field]);
    const known = tests.get(key);
    // nft says the protocol twice where a port follows; two different tests of a field are too much to compare.
    if (
      known !== undefined &&
      JSON.stringify(known, text) !== JSON.stringify({ negate: step.negate, values: step.values }, text)
    )
      return null;
    tests.set(key, { negate: step.negate, values: step.values });
  }
  return { tests, verdict: verdictOf(steps) };
};

const text = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value);

const covers = (wide: Value, narrow: Value): boolean => {
  if (wide.kind === 'range') return narrow.kind === 'range' && wide.first <= narrow.first && wide.last >= narrow.last;
  if (wide.kind === 'wildcard') return narrow.kind !== 'range' && narrow.name.startsWith(wide.name);
  return narrow.kind === 'symbol' && narrow.name === wide.name;
};

/** Does every packet that `narrow` matches match `wide` as well? False also where that cannot be told. */
export const matchesAllOf = (wide: PlainRule, narrow: PlainRule): boolean =>
  [...wide.tests].every(([field, { negate, values }]) => {
    const other = narrow.tests.get(field);
    if (other === undefined || other.negate !== negate) return false;
    return negate
      ? values.every((value) => other.values.some((one) => covers(one, value)))
      : other.values.every((value) => values.some((one) => covers(one, value)));
  });

/** Whether a verdict ends the way of a packet through a base chain. */
export const isFinal = (verdict: Verdict | null): boolean =>
  verdict !== null && (verdict.kind === 'accept' || verdict.kind === 'drop' || verdict.kind === 'reject');
