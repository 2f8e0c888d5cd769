import type { Family } from '../../net/family.ts';
import { LAST } from '../../net/family.ts';
import { difference, ranges, setOfRanges, type PrefixSet } from '../../net/prefix-set.ts';
import { stepsWithin } from '../../lower/steps-within.ts';
import type { Field } from '../../lower/field.ts';
import type { Step } from '../../lower/step.ts';
import type { ValueSource } from '../../lower/value-source.ts';
import type { Value } from '../../ruleset/values/data-type.ts';
import { verdictElements, type Rule, type Table } from '../../ruleset/table.ts';

/**
 * What the rules that packets can come to tell apart of the node's side of a connection. The proof asks once for each:
 * packets that differ in something else are one question.
 */
export interface ChainReads {
  /** Interfaces that rules name, `lo` apart; one that begins with a name of a wildcard stands for all of them. */
  readonly devices: readonly string[];
  /** Addresses at which a rule begins to behave differently, and one of each stretch between them. */
  readonly addresses: (family: Family) => readonly bigint[];
  /** An address that no rule and no map names. */
  readonly unnamed: (family: Family) => bigint;
  /** Rules ask for the state of a connection, so that one that the tracker calls invalid is another question. */
  readonly asksForState: boolean;
  /**
   * Rules that read an address or an interface by a calculation or by a list that packets fill; nobody can tell for
   * which.
   */
  readonly unclear: readonly string[];
}

/** The fields that hold the node's address, and the interface, at a hook. */
export interface Side {
  readonly addresses: readonly Field[];
  readonly device: Field;
}
export const INCOMING: Side = { addresses: ['destination', 'ct-original-destination'], device: 'in-interface' };
export const OUTGOING: Side = { addresses: ['source', 'ct-original-destination'], device: 'out-interface' };

/** Chains that packets can come to from one. */
const reachable = (table: Table, start: string): ReadonlySet<string> => {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const rule of table.chains.get(name)?.rules ?? []) for (const next of leadsTo(table, rule)) visit(next);
  };
  visit(start);
  return seen;
};

/** The rules of chains, with their places; thousands of exposures share one list, which is looked into once. */
const rulesIn = (table: Table, chains: ReadonlySet<string>): readonly (readonly [place: string, rule: Rule])[] => {
  const lists = new Map<readonly Rule[], string>();
  for (const name of chains) {
    const rules = table.chains.get(name)?.rules ?? [];
    if (!lists.has(rules)) lists.set(rules, name);
  }
  return [...lists].flatMap(([rules, name]) =>
    rules.map((rule, index) => [`${name} rule ${index + 1}`, rule] as const),
  );
};

const leadsTo = (table: Table, rule: Rule): readonly string[] =>
  stepsWithin(rule).flatMap((step) => {
    if (step.kind === 'verdict') return 'chain' in step.verdict ? [step.verdict.chain] : [];
    if (step.kind !== 'verdict-map') return [];
    const elements = typeof step.map === 'string' ? verdictElements(table.sets.get(step.map)) : step.map;
    return elements.flatMap(({ verdict }) => ('chain' in verdict ? [verdict.chain] : []));
  });

/** The values that a set or map of the table has at a place of its keys; null: they cannot be listed. */
const valuesOfSet = (table: Table, name: string, at: number): readonly Value[] | null => {
  const set = table.sets.get(name);
  switch (set?.kind) {
    case 'addresses':
      return set.intervals.map(({ first, last }): Value => ({ kind: 'range', first, last }));
    case 'elements':
      return set.elements.flatMap((key) => key[at] ?? []);
    case 'verdict-map':
    case 'data-map':
      return set.elements.flatMap(({ key }) => key[at] ?? []);
    case 'dynamic':
    case 'opaque':
    case undefined:
      return null;
  }
};

/**
 * What a step reads of a field: the values that it compares with; null: it reads it in a way that cannot be followed.
 */
const valuesRead = (table: Table, step: Step, field: Field): readonly Value[] | null => {
  const within = (source: ValueSource): boolean => typeof source !== 'string' && mentions(source, field);
  switch (step.kind) {
    case 'test':
      return step.field === field ? step.values : within(step.field) ? null : [];
    case 'lookup':
    case 'verdict-map': {
      const of = step.kind === 'lookup' ? step.set : step.map;
      const lists = step.key.map((source, at) => {
        if (source !== field) return within(source) ? null : [];
        if (typeof of === 'string') return valuesOfSet(table, of, at);
        return of.flatMap((element) => ('key' in element ? element.key[at] : element[at]) ?? []);
      });
      return lists.includes(null) ? null : lists.flatMap((list) => list ?? []);
    }
    case 'write':
      return step.value === field || within(step.value) ? null : [];
    case 'ipset':
      return null;
    default:
      return [];
  }
};

/** Whether a calculation reads a field. */
const mentions = (source: Exclude<ValueSource, string>, field: Field): boolean => {
  switch (source.kind) {
    case 'masked':
      return source.field === field;
    case 'mapped':
      return source.key.some((part) => part === field || (typeof part !== 'string' && mentions(part, field)));
    case 'constant':
    case 'unknown':
      return false;
  }
};

/** More values than these come only from lists that somebody has put into our chains. */
const MOST_VALUES = 1024;

const STATE_FIELDS: ReadonlySet<ValueSource> = new Set<Field>(['ct-state', 'ct-status']);

const asksForState = (step: Step): boolean =>
  (step.kind === 'test' && STATE_FIELDS.has(step.field)) ||
  ((step.kind === 'lookup' || step.kind === 'verdict-map') && step.key.some((source) => STATE_FIELDS.has(source)));

const inFamily = (values: readonly Value[], family: Family): PrefixSet =>
  setOfRanges(
    family,
    values.flatMap((value) => (value.kind === 'range' && value.last <= LAST[family] ? [value] : [])),
  );

/**
 * Addresses that a host can have: of others the kernel knows the type whatever the routes say (broadcast, multicast).
 */
const ORDINARY_FIRST: Readonly<Record<Family, bigint>> = { 4: 0x0100_0000n, 6: 0x2000n << 112n };
const ORDINARY: Readonly<Record<Family, PrefixSet>> = {
  4: setOfRanges(4, [{ first: ORDINARY_FIRST[4], last: 0xdfff_ffffn }]),
  6: setOfRanges(6, [{ first: ORDINARY_FIRST[6], last: (0x4000n << 112n) - 1n }]),
};

/**
 * What is told apart by the rules that are reached from a base chain. `known`: maps whose keys are asked for one by one
 * anyway.
 */
export const chainReads = (table: Table, start: string, side: Side, known: ReadonlySet<string>): ChainReads => {
  const named: Value[] = [];
  const asked: Value[] = [];
  const devices = new Set<string>();
  const unclear = new Set<string>();
  let state = false;
  for (const [place, rule] of rulesIn(table, reachable(table, start)))
    for (const step of stepsWithin(rule)) {
      state ||= asksForState(step);
      const lists = side.addresses.map((field) => valuesRead(table, step, field));
      const interfaces = valuesRead(table, step, side.device);
      if (lists.includes(null) || interfaces === null || asked.length > MOST_VALUES) unclear.add(place);
      const addresses = lists.flatMap((list) => list ?? []);
      for (const value of interfaces ?? []) if (value.kind !== 'range' && value.name !== 'lo') devices.add(value.name);
      for (const value of addresses) named.push(value);
      const isKnown = step.kind === 'verdict-map' && typeof step.map === 'string' && known.has(step.map);
      if (!isKnown) for (const value of addresses) asked.push(value);
    }
  return {
    devices: [...devices],
    addresses: (family) => representatives(asked, family),
    unnamed: (family) => {
      const [free] = ranges(difference(ORDINARY[family], inFamily(named, family)));
      return free?.first ?? ORDINARY_FIRST[family];
    },
    asksForState: state,
    unclear: [...unclear],
  };
};

/** One address of each stretch into which the values cut the space: where one begins, and the first behind it. */
const representatives = (values: readonly Value[], family: Family): readonly bigint[] => {
  const edges = values.flatMap((value) => (value.kind === 'range' ? [value.first, value.last + 1n] : []));
  return [...new Set(edges)].filter((edge) => edge <= LAST[family]);
};
