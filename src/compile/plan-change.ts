import { sameValue } from '../ruleset/data-type.ts';
import type { Counter } from '../ruleset/counter.ts';
import type { MapElement } from '../ruleset/map-element.ts';
import { sameRules } from '../ruleset/same-rules.ts';
import type { Chain, Interval, NamedSet, Rule, Table, VerdictMap } from '../ruleset/table.ts';
import { RANGES } from './names.ts';
import type { Change, Operation, Transaction } from './transaction.ts';

/**
 * How the kernel comes from `current` (what it lists now; null: no table) to `target` (null: no table). `target` must have been
 * compiled with the same `current`, so that no name that stays changes its meaning between the steps.
 */
export const planChange = (current: Table | null, target: Table | null): Change => {
  if (target === null) return current === null ? NOTHING : planRemoval(current);
  const maps = mapChanges(current, target);
  const addresses = addressChanges(current, target);
  const { staged, switched, delayed } = chainChanges(current, target, new Set(maps.flatMap(({ leaving }) => leaving)));
  return {
    stage: transactions([
      [
        ...(current === null ? [{ kind: 'add-table' } as const] : []),
        ...newCounters(current, target),
        ...newSets(current, target),
        ...addresses.add,
        ...newChains(current, target, (chain) => chain.base === null),
        ...staged,
      ],
    ]),
    switch: transactions([
      [
        ...newChains(current, target, (chain) => chain.base !== null),
        ...switched,
        ...maps.flatMap(({ add }) => add),
        ...maps.flatMap(({ interval, remove }) => (interval ? [] : remove)),
        ...addresses.remove,
      ],
      maps.flatMap(({ interval, remove }) => (interval ? remove : [])),
      delayed,
    ]),
    sweep: planSweep(current, target),
  };
};

const NOTHING: Change = { stage: [], switch: [], sweep: [] };

const transactions = (steps: readonly (readonly Operation[])[]): readonly Transaction[] =>
  steps.filter((operations) => operations.length > 0).map((operations) => ({ operations }));

/** Packets must not meet an old chain with a set already gone: first the base chains let everything by, then the table goes. */
const planRemoval = (current: Table): Change => ({
  stage: [],
  switch: transactions([
    [...current.chains.values()]
      .filter(({ base, rules }) => base !== null && rules.length > 0)
      .map(({ name }) => ({ kind: 'replace-rules', chain: name, rules: [] })),
  ]),
  sweep: [{ operations: [{ kind: 'delete-table' }] }],
});

/** Removes from the kernel what the target does not have. Only what nothing has referred to for a second may be swept. */
export const planSweep = (current: Table | null, target: Table): readonly Transaction[] => {
  if (current === null) return [];
  const gone = <T>(have: ReadonlyMap<string, T>, want: ReadonlyMap<string, unknown>): string[] =>
    [...have.keys()].filter((name) => !want.has(name));
  const chains = gone(current.chains, target.chains);
  return transactions([
    [
      ...chains.map((chain): Operation => ({ kind: 'replace-rules', chain, rules: [] })),
      ...chains.map((name): Operation => ({ kind: 'delete-chain', name })),
      ...gone(current.sets, target.sets).map((name): Operation => ({ kind: 'delete-set', name })),
      ...gone(current.counters, target.counters).map((name): Operation => ({ kind: 'delete-counter', name })),
    ],
  ]);
};

const newCounters = (current: Table | null, target: Table): readonly Operation[] =>
  [...target.counters.keys()].filter((name) => current?.counters.has(name) !== true).map((name) => ({ kind: 'add-counter', name }));

const newSets = (current: Table | null, target: Table): readonly Operation[] =>
  [...target.sets.values()].filter(({ name }) => current?.sets.has(name) !== true).map((set) => ({ kind: 'add-set', set }));

const newChains = (current: Table | null, target: Table, which: (chain: Chain) => boolean): readonly Operation[] =>
  [...target.chains.values()]
    .filter((chain) => which(chain) && current?.chains.has(chain.name) !== true)
    .map(({ name, base }) => ({ kind: 'add-chain', name, base }));

/**
 * New chains get their rules while nothing refers to them, changed ones at the switch. A chain that some key leaves keeps its old
 * rules until the packets that have already found the key are through.
 */
const chainChanges = (current: Table | null, target: Table, leaving: ReadonlySet<string>) => {
  const staged: Operation[] = [];
  const switched: Operation[] = [];
  const delayed: Operation[] = [];
  for (const { name, base, rules } of target.chains.values()) {
    const before = current?.chains.get(name);
    if (before !== undefined && sameRules(before.rules, rules)) continue;
    if (before === undefined && rules.length === 0) continue;
    const operation: Operation = { kind: 'replace-rules', chain: name, rules: withCounts(rules, before?.rules ?? []) };
    if (before === undefined && base === null) staged.push(operation);
    else if (leaving.has(name)) delayed.push(operation);
    else switched.push(operation);
  }
  return { staged, switched, delayed };
};

const counts = (rules: readonly Rule[]): readonly Counter[] =>
  rules.flatMap(({ statements }) => statements.flatMap((statement) => (statement.kind === 'counter' ? [statement.counter] : [])));

/** What a chain has counted so far goes on in its first counter. */
const withCounts = (rules: readonly Rule[], before: readonly Rule[]): readonly Rule[] => {
  const sum = counts(before).reduce(
    (total, { packets, bytes }) => ({ packets: total.packets + packets, bytes: total.bytes + bytes }),
    { packets: 0n, bytes: 0n },
  );
  let given = sum.packets === 0n;
  return rules.map((rule) => {
    if (given || !rule.statements.some(({ kind }) => kind === 'counter')) return rule;
    given = true;
    return { ...rule, statements: rule.statements.map((statement) => (statement.kind === 'counter' ? { ...statement, counter: sum } : statement)) };
  });
};

/** A key of a map as text. */
const keyText = ({ key }: MapElement): string =>
  key.map((value) => (value.kind === 'range' ? `${value.first}-${value.last}` : value.name)).join(' ');

const sameElement = (a: MapElement, b: MapElement): boolean =>
  a.verdict.kind === b.verdict.kind &&
  ('chain' in a.verdict ? 'chain' in b.verdict && a.verdict.chain === b.verdict.chain : true) &&
  a.key.every((value, index) => {
    const other = b.key[index];
    return other !== undefined && sameValue(value, other);
  });

const mapsOf = (table: Table): readonly VerdictMap[] => [...table.sets.values()].filter((set) => set.kind === 'verdict-map');

const mapChanges = (current: Table | null, target: Table) =>
  mapsOf(target).map(({ name, elements }) => {
    const set = current?.sets.get(name);
    const before = new Map((set?.kind === 'verdict-map' ? set.elements : []).map((element) => [keyText(element), element]));
    const after = new Map(elements.map((element) => [keyText(element), element]));
    const removed = [...before].flatMap(([key, element]) => {
      const stays = after.get(key);
      return stays !== undefined && sameElement(stays, element) ? [] : [element];
    });
    const added = [...after].flatMap(([key, element]) => {
      const there = before.get(key);
      return there !== undefined && sameElement(there, element) ? [] : [element];
    });
    return {
      interval: RANGES.some((range) => range === name),
      add: added.length === 0 ? [] : [{ kind: 'add-keys', map: name, elements: added } as const],
      remove: removed.length === 0 ? [] : [{ kind: 'delete-keys', map: name, elements: removed } as const],
      leaving: removed.flatMap(({ verdict }) => ('chain' in verdict ? [verdict.chain] : [])),
    };
  });

const intervalText = ({ first, last }: Interval): string => `${first}-${last}`;

const intervalsOf = (set: NamedSet | undefined): readonly Interval[] => (set?.kind === 'addresses' ? set.intervals : []);

const addressChanges = (current: Table | null, target: Table) => {
  const add: Operation[] = [];
  const remove: Operation[] = [];
  for (const set of target.sets.values()) {
    if (set.kind !== 'addresses') continue;
    const { name, type } = set;
    const before = intervalsOf(current?.sets.get(name));
    if (before === set.intervals) continue;
    const had = new Set(before.map(intervalText));
    const has = new Set(set.intervals.map(intervalText));
    const added = set.intervals.filter((interval) => !had.has(intervalText(interval)));
    const removed = before.filter((interval) => !has.has(intervalText(interval)));
    if (added.length > 0) add.push({ kind: 'add-intervals', set: name, type, intervals: added });
    if (removed.length > 0) remove.push({ kind: 'delete-intervals', set: name, type, intervals: removed });
  }
  return { add, remove };
};
