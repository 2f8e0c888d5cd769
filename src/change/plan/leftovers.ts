import { planSweep } from '../../compile/plan/plan-change.ts';
import type { Transaction } from '../../compile/plan/transaction.ts';
import type { Table } from '../../ruleset/table.ts';

const KINDS = ['chains', 'sets', 'counters'] as const;

/**
 * What stands in the kernel's table and not in the compiled one, as `chains NAME`, and since when nothing refers to it:
 * milliseconds of any clock.
 */
export type Leftovers = ReadonlyMap<string, number>;

const namesOf = (table: Table): readonly string[] =>
  KINDS.flatMap((kind) => [...table[kind].keys()].map((name) => `${kind} ${name}`));

/**
 * The leftovers after a change that has ended at `now`: of those from before, the ones that are still superfluous keep
 * their time.
 */
export const leftoversAfter = (before: Leftovers, current: Table | null, target: Table, now: number): Leftovers => {
  if (current === null) return new Map();
  const wanted = new Set(namesOf(target));
  return new Map(
    namesOf(current)
      .filter((name) => !wanted.has(name))
      .map((name) => [name, before.get(name) ?? now]),
  );
};

/** The transactions that remove the leftovers to which nothing has referred since `until` or longer. */
export const sweepOf = (leftovers: Leftovers, current: Table, target: Table, until: number): readonly Transaction[] => {
  const isYoung = (kind: string, name: string): boolean => (leftovers.get(`${kind} ${name}`) ?? until) > until;
  const withYoung = <T>(kind: (typeof KINDS)[number], own: ReadonlyMap<string, T>, there: ReadonlyMap<string, T>) =>
    new Map([...there].filter(([name]) => own.has(name) || isYoung(kind, name)));
  return planSweep(current, {
    chains: withYoung('chains', target.chains, current.chains),
    sets: withYoung('sets', target.sets, current.sets),
    counters: withYoung('counters', target.counters, current.counters),
  });
};

/** The earliest time in leftovers; null: there are none. */
export const oldestOf = (leftovers: Leftovers): number | null =>
  leftovers.size === 0 ? null : Math.min(...leftovers.values());
