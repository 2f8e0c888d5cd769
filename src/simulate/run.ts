import {
  difference,
  emptySet,
  fullSet,
  intersection,
  isEmpty,
  setOfRanges,
  type PrefixSet,
} from '../net/prefix-set.ts';
import { knownDifference, knownIntersection, memoUnion } from '../net/remembered.ts';
import type { Value } from '../ruleset/values/data-type.ts';
import { lower } from '../lower/lower.ts';
import type { MapElement } from '../ruleset/values/map-element.ts';
import type { ValueSource } from '../lower/value-source.ts';
import type { Step } from '../lower/step.ts';
import type { Chain, Rule, Table } from '../ruleset/table.ts';
import type { Verdict } from '../ruleset/values/verdict.ts';
import type { Packet } from './packet.ts';
import { contentOf, covers, find } from './match/set-index.ts';

/** What becomes of the packets from (or to) some addresses, and the rule that decides it. */
export interface Outcome {
  readonly subjects: PrefixSet;
  readonly verdict: 'accept' | 'drop' | 'reject' | 'unknown';
  /** `exposure chain rule 3`, or the policy of the base chain. */
  readonly decidedBy: { readonly chain: string; readonly rule: number | 'policy' };
}

/** One object for each family, so that what was computed for it is found again. */
const ALL = { 4: fullSet(4), 6: fullSet(6) } as const;

/** More branches than this come only from rules that nobody understands: then everything is unknown. */
const MOST_BRANCHES = 4096;

/** A place to go on after a chain that was jumped to. */
interface Frame {
  readonly chain: Chain;
  readonly rule: number;
}

interface Run {
  readonly table: Table;
  readonly packet: Packet;
  readonly outcomes: Outcome[];
  branches: number;
}

/**
 * Runs a packet through one base chain, for all subjects at once: a rule that depends on the subject splits the set, and what cannot be
 * known (rates, full sets, rules not understood) goes both ways. So the same subject can have several outcomes; each is possible.
 */
export const runBaseChain = (
  table: Table,
  chainName: string,
  packet: Packet,
  subjects: PrefixSet = ALL[packet.family],
): readonly Outcome[] => {
  const chain = table.chains.get(chainName);
  if (chain === undefined) return [];
  const run: Run = { table, packet, outcomes: [], branches: 0 };
  walk(run, chain, 0, subjects, []);
  if (run.branches > MOST_BRANCHES) return [{ subjects, verdict: 'unknown', decidedBy: { chain: chainName, rule: 0 } }];
  return run.outcomes;
};

const decide = (
  run: Run,
  subjects: PrefixSet,
  verdict: Outcome['verdict'],
  chain: string,
  rule: number | 'policy',
): void => {
  if (!isEmpty(subjects)) run.outcomes.push({ subjects, verdict, decidedBy: { chain, rule } });
};

/** From rule `from` of a chain on. */
const walk = (run: Run, chain: Chain, from: number, subjects: PrefixSet, stack: readonly Frame[]): void => {
  let here = subjects;
  for (let index = from; index < chain.rules.length; index++) {
    if (isEmpty(here)) return;
    const rule = chain.rules[index];
    if (rule === undefined) break;
    here = applyRule(run, chain, index, rule, here, stack);
  }
  leave(run, chain, here, stack);
};

/** The end of a chain: back to where it was jumped from, or to the policy of the base chain. */
const leave = (run: Run, chain: Chain, subjects: PrefixSet, stack: readonly Frame[]): void => {
  if (isEmpty(subjects)) return;
  const back = stack.at(-1);
  if (back !== undefined) walk(run, back.chain, back.rule, subjects, stack.slice(0, -1));
  else decide(run, subjects, chain.base?.policy ?? 'accept', chain.name, 'policy');
};

/** Runs the steps of one rule; returns the subjects that go on with the next rule. */
const applyRule = (
  run: Run,
  chain: Chain,
  index: number,
  rule: Rule,
  subjects: PrefixSet,
  stack: readonly Frame[],
): PrefixSet => {
  const steps = lower(rule);
  const { family } = run.packet;
  let inside = subjects;
  let onward = emptySet(family);
  const goOn = (set: PrefixSet): void => {
    onward = memoUnion(onward, set);
  };
  for (const [position, step] of steps.entries()) {
    if (isEmpty(inside)) break;
    switch (step.kind) {
      case 'test':
      case 'lookup': {
        const { yes, no } = split(run, step, inside);
        goOn(no);
        inside = yes;
        break;
      }
      case 'verdict-map': {
        const arms = armsOf(run, step, inside);
        for (const { set, verdict } of arms.hits) follow(run, chain, index, verdict, set, stack);
        inside = arms.miss;
        break;
      }
      case 'maybe':
      case 'any':
      case 'choose':
      case 'ipset':
        // Without a verdict behind it, it makes no difference.
        if (steps.slice(position + 1).some(({ kind }) => kind !== 'maybe')) {
          run.branches++;
          goOn(inside);
        }
        break;
      case 'verdict':
        follow(run, chain, index, step.verdict, inside, stack);
        inside = emptySet(family);
        break;
      case 'note':
      case 'record':
      case 'write':
      case 'notrack':
        break;
      case 'nat':
      case 'tproxy':
      case 'unknown':
        // It may decide either way, or let the packet go on (law 6).
        run.branches++;
        decide(run, inside, 'unknown', chain.name, index + 1);
        goOn(inside);
        inside = emptySet(family);
        break;
    }
    if (run.branches > MOST_BRANCHES) return emptySet(family);
  }
  goOn(inside);
  return onward;
};

const follow = (
  run: Run,
  chain: Chain,
  index: number,
  verdict: Verdict,
  subjects: PrefixSet,
  stack: readonly Frame[],
): void => {
  if (isEmpty(subjects)) return;
  switch (verdict.kind) {
    case 'accept':
    case 'drop':
      return decide(run, subjects, verdict.kind, chain.name, index + 1);
    case 'reject':
      return decide(run, subjects, 'reject', chain.name, index + 1);
    case 'queue':
      return decide(run, subjects, 'unknown', chain.name, index + 1);
    case 'continue':
      return walk(run, chain, index + 1, subjects, stack);
    case 'return':
      return leave(run, chain, subjects, stack);
    case 'jump':
    case 'goto': {
      const target = run.table.chains.get(verdict.chain);
      // The kernel allows 16 jumps (NFT_JUMP_STACK_SIZE); a listing never holds a loop, a broken text might.
      if (target === undefined || stack.length > 16) return decide(run, subjects, 'unknown', chain.name, index + 1);
      const back = verdict.kind === 'jump' ? [...stack, { chain, rule: index + 1 }] : stack;
      // After a goto the rest of the chain is never visited; at the bottom the base chain's policy remains.
      return walkInto(run, target, subjects, back, chain);
    }
  }
};

const walkInto = (run: Run, target: Chain, subjects: PrefixSet, stack: readonly Frame[], from: Chain): void =>
  walk(run, stack.length === 0 && from.base !== null ? { ...target, base: from.base } : target, 0, subjects, stack);

const isSubject = (run: Run, field: ValueSource): boolean => field === run.packet.subject;

/** What a reading gives for this packet; undefined: unknown. */
const pointOf = (run: Run, reading: ValueSource): Value | undefined =>
  typeof reading === 'string' ? run.packet.fields.get(reading) : undefined;

/** The subjects for which a test or a look-up holds, and the others; both when it is unknown. */
const split = (
  run: Run,
  step: Extract<Step, { kind: 'test' | 'lookup' }>,
  subjects: PrefixSet,
): { yes: PrefixSet; no: PrefixSet } => {
  const { family } = run.packet;
  const both = () => {
    run.branches++;
    return { yes: subjects, no: subjects };
  };
  const none = emptySet(family);
  const sided = (holds: boolean) => (holds !== step.negate ? { yes: subjects, no: none } : { yes: none, no: subjects });
  const bySet = (set: PrefixSet) => {
    // Thousands of exposures share a few selections, so what was computed for one is found again for the others.
    const [inSet, outside] = [knownIntersection(subjects, set), knownDifference(subjects, set)];
    return step.negate ? { yes: outside, no: inSet } : { yes: inSet, no: outside };
  };
  if (step.kind === 'test') {
    if (isSubject(run, step.field))
      return bySet(
        setOfRanges(
          family,
          step.values.flatMap((value) => (value.kind === 'range' ? value : [])),
        ),
      );
    const point = pointOf(run, step.field);
    return point === undefined ? both() : sided(step.values.some((value) => covers(value, point)));
  }
  const set = typeof step.set === 'string' ? run.table.sets.get(step.set) : undefined;
  const [field] = step.key;
  if (set?.kind !== 'addresses' || field === undefined || step.key.length > 1) return both();
  const fits = (set.type === 'ipv4_addr') === (family === 4);
  if (isSubject(run, field)) return fits ? bySet(contentOf(set)) : sided(false);
  const point = pointOf(run, field);
  if (point === undefined) return both();
  return sided(fits && point.kind === 'range' && !isEmpty(intersection(contentOf(set), setOfRanges(family, [point]))));
};

/** The parts of the subjects that find an element of a verdict map, and those that find none. */
const armsOf = (run: Run, step: Extract<Step, { kind: 'verdict-map' }>, subjects: PrefixSet) => {
  const elements = typeof step.map === 'string' ? elementsOf(run.table, step.map) : step.map;
  const points = step.key.map((field) => (isSubject(run, field) ? null : pointOf(run, field)));
  if (elements === null || points.includes(undefined)) {
    run.branches++;
    return { hits: (elements ?? []).map(({ verdict }) => ({ set: subjects, verdict })), miss: subjects };
  }
  const known = points as readonly (Value | null)[];
  const subjectAt = known.indexOf(null);
  if (subjectAt === -1) {
    const element = find(elements, known as readonly Value[]);
    return element === null
      ? { hits: [], miss: subjects }
      : { hits: [{ set: subjects, verdict: element.verdict }], miss: emptySet(subjects.family) };
  }
  let miss = subjects;
  const hits = elements.flatMap((element) => {
    const range = element.key[subjectAt];
    const others = known.every(
      (point, index) => point === null || (element.key[index] !== undefined && covers(element.key[index], point)),
    );
    if (!others || range?.kind !== 'range') return [];
    const set = intersection(miss, setOfRanges(subjects.family, [range]));
    miss = difference(miss, set);
    return isEmpty(set) ? [] : [{ set, verdict: element.verdict }];
  });
  return { hits, miss };
};

const elementsOf = (table: Table, name: string): readonly MapElement[] | null => {
  const map = table.sets.get(name);
  return map?.kind === 'verdict-map' ? map.elements : null;
};
