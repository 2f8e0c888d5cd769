import { union } from '../../net/prefix-set.ts';
import type { Hook } from '../../ruleset/hook.ts';
import { lower } from '../../lower/lower.ts';
import type { Step } from '../../lower/step.ts';
import type { AnyChain, AnyTable } from '../../ruleset/table.ts';
import type { RejectKind, Verdict } from '../../ruleset/values/verdict.ts';
import { assumingThat, byChance, isExhausted, recorded, type Context } from '../state/context.ts';
import { nextRule } from './dispatch-index.ts';
import { isDynamicLookup } from '../match/match-set.ts';
import { isCondition, matchCondition } from '../match/match-step.ts';
import { applyNat } from './nat.ts';
import type { Place } from '../state/place.ts';
import { readReading } from '../match/read-source.ts';
import type { State } from '../state/state.ts';
import { sameButSources } from '../state/same-state.ts';
import type { Effect, TraceStep } from '../state/trace.ts';
import { verdictArms } from '../match/verdict-arms.ts';
import { applyNotrack, applyWrite } from './write-step.ts';

/** How a visit of a base chain ended for some packets. */
export interface ChainExit {
  readonly state: State;
  readonly verdict:
    | { readonly kind: 'accept' | 'drop' }
    | { readonly kind: 'reject'; readonly with: RejectKind }
    /** A rewriting: the nat chains of this hook are done. */
    | { readonly kind: 'mapped' }
    | { readonly kind: 'gave-up' }
    | { readonly kind: 'unknown'; readonly why: string };
  readonly at: Place;
}

/** A visit of a base chain. */
interface Visit {
  readonly context: Context;
  readonly table: AnyTable;
  readonly hook: Hook;
  readonly ended: ChainExit[];
}

/** Where packets go on after one rule. */
interface Onward {
  /** To the next rule. */
  readonly next: State[];
  /** To the end of the chain: return, or back from a goto. */
  readonly left: State[];
}

/**
 * The kernel allows 16 jumps (include/net/netfilter/nf_tables.h, NFT_JUMP_STACK_SIZE); iptables as many as there are
 * chains.
 */
const MOST_JUMPS = 200;

/** Runs packets through a base chain. */
export const visitBaseChain = (
  context: Context,
  table: AnyTable,
  chain: AnyChain,
  hook: Hook,
  state: State,
): readonly ChainExit[] => {
  const visit: Visit = { context, table, hook, ended: [] };
  const at: Place = { kind: 'rule', table, chain, number: 'policy' };
  const verdict = chain.base?.policy ?? 'accept';
  for (const left of walkChain(visit, chain, [state], 0))
    visit.ended.push({
      state: recorded(context, left, { kind: 'policy', at, verdict }),
      verdict: { kind: verdict },
      at,
    });
  return visit.ended;
};

/** Runs packets through a chain; returns those that reach its end. */
const walkChain = (visit: Visit, chain: AnyChain, states: readonly State[], depth: number): readonly State[] => {
  const left: State[] = [];
  let here = states;
  let index = 0;
  while (here.length > 0) {
    let next = Number.MAX_SAFE_INTEGER;
    for (const state of here) next = Math.min(next, nextRule(chain, index, state));
    if (next >= chain.rules.length) break;
    const onward: Onward = { next: [], left };
    for (const state of here) applyRule(visit, chain, next, state, onward, depth);
    here = visit.context.recording ? onward.next : merged(onward.next);
    index = next + 1;
  }
  // The end of a chain that was jumped to is told apart from a rule that returns.
  const { recording } = visit.context;
  const ended =
    depth === 0 || !recording
      ? here
      : here.map((state) => recorded(visit.context, state, returnFrom(visit.table, chain)));
  return left.length === 0 ? ended : [...ended, ...left];
};

const returnFrom = (table: AnyTable, chain: AnyChain): TraceStep => ({
  kind: 'return',
  at: { kind: 'rule', table, chain, number: 'policy' },
});

/** Packets that differ in their source alone are one state again. */
export const merged = (states: readonly State[]): readonly State[] => {
  if (states.length < 2) return states;
  const kept: State[] = [];
  for (const state of states) {
    const same = kept.findIndex((one) => sameButSources(one, state));
    const other = kept[same];
    if (other === undefined) kept.push(state);
    else kept[same] = { ...other, sources: union(other.sources, state.sources) };
  }
  return kept;
};

interface Run {
  readonly visit: Visit;
  readonly chain: AnyChain;
  readonly at: Place;
  readonly steps: readonly Step[];
  readonly onward: Onward;
  readonly depth: number;
}

const applyRule = (visit: Visit, chain: AnyChain, index: number, state: State, onward: Onward, depth: number): void => {
  const rule = chain.rules[index];
  if (rule === undefined) return;
  const at: Place = { kind: 'rule', table: visit.table, chain, number: index + 1 };
  if (isExhausted(visit.context)) {
    visit.ended.push({ state, verdict: { kind: 'gave-up' }, at });
    return;
  }
  runSteps({ visit, chain, at, steps: lower(rule), onward, depth }, 0, state, []);
};

const matchedRule = (run: Run, state: State, effects: readonly Effect[], verdict: Verdict | null): State =>
  recorded(run.visit.context, state, { kind: 'rule', at: run.at, effects, verdict });

/** A rule that matches or not, without any difference: no fork is worth it. */
const perhapsMatched = (run: Run, state: State, effects: readonly Effect[]): State =>
  recorded(run.visit.context, state, { kind: 'rule', at: run.at, effects, verdict: null, perhaps: true });

/** Whether the rest of a rule changes anything about where packets go. */
const matters = (steps: readonly Step[], from: number): boolean =>
  steps.slice(from).some(({ kind }) => kind !== 'note' && kind !== 'record' && kind !== 'maybe');

const nameOfSet = (step: Step): string | null =>
  step.kind === 'ipset' ? step.set : step.kind === 'lookup' && typeof step.set === 'string' ? step.set : null;

/** The steps of a rule from `from` on; packets that stop matching go to the next rule. */
const runSteps = (run: Run, from: number, start: State, effectsSoFar: readonly Effect[]): void => {
  const { visit, steps, onward, at } = run;
  const { context, table } = visit;
  let state = start;
  let effects = effectsSoFar;
  const add = (effect: Effect): void => {
    if (context.recording) effects = [...effects, effect];
  };
  for (let position = from; position < steps.length; position++) {
    const step = steps[position];
    if (step === undefined) break;
    if (isCondition(step)) {
      const truth = matchCondition(context, table, state, step);
      if (truth === false) return void onward.next.push(state);
      const set = nameOfSet(step);
      if (truth === true || truth.unknown === null) {
        if (truth !== true) {
          if (truth.no !== null) onward.next.push(branchOfSources(run, truth.no));
          if (truth.yes === null) return;
          state = branchOfSources(run, truth.yes);
        }
      } else {
        if (!matters(steps, position + 1)) return void onward.next.push(perhapsMatched(run, state, effects));
        const what = isDynamicLookup(table, step) ? 'affinity' : 'match';
        if (truth.no !== null)
          onward.next.push(assumingThat(context, truth.no, { at, what, holds: false, why: truth.unknown }));
        if (truth.yes === null) return;
        const holds = what === 'affinity' ? 'endpoint' : true;
        state = assumingThat(context, truth.yes, { at, what, holds, why: truth.unknown });
      }
      if (set !== null && 'negate' in step) add({ kind: 'set', set, negate: step.negate });
      continue;
    }
    switch (step.kind) {
      case 'verdict-map': {
        const arms = verdictArms(context, table, state, step);
        if (arms === null) {
          visit.ended.push({ state, verdict: { kind: 'unknown', why: 'a map that cannot be told' }, at });
          return;
        }
        const forks = arms.hits.length + (arms.miss === null ? 0 : 1) > 1;
        if (arms.miss !== null) onward.next.push(forks ? branchOfSources(run, arms.miss) : arms.miss);
        if (typeof step.map === 'string') add({ kind: 'set', set: step.map, negate: false });
        for (const { state: hit, verdict } of arms.hits)
          follow(run, forks ? branchOfSources(run, hit) : hit, effects, verdict);
        return;
      }
      case 'choose': {
        if (!matters(steps, position + 1) && step.arms.every(({ then }) => then === null || !matters(then, 0)))
          return void onward.next.push(perhapsMatched(run, state, effects));
        for (const { share, then } of step.arms) {
          if (share.over === 0n) continue;
          const arm = share.over === share.of ? state : byChance(context, state, at, step.how, share);
          if (then === null) onward.next.push(arm);
          else if (then.length === 0) runSteps(run, position + 1, arm, effects);
          else runSteps({ ...run, steps: [...then, ...steps.slice(position + 1)] }, 0, arm, effects);
        }
        return;
      }
      case 'maybe': {
        if (!matters(steps, position + 1)) return void onward.next.push(perhapsMatched(run, state, effects));
        const what = step.why === 'recent' || step.why === 'dynamic-set' ? 'affinity' : 'match';
        const why = step.name === undefined ? step.why : `${step.why} ${step.name}`;
        onward.next.push(assumingThat(context, state, { at, what, holds: false, why }));
        const holds = what === 'affinity' ? 'endpoint' : true;
        state = assumingThat(context, state, { at, what, holds, why });
        break;
      }
      case 'record':
        add({ kind: 'record', what: step.what, name: step.name });
        break;
      case 'write': {
        const held = readReading(context, table, state, step.value);
        // In nft an expression that gives nothing ends its rule (NFT_BREAK); in iptables a target always succeeds.
        if (table.engine === 'nft' && (held === null || readsNothing(state, step))) return void onward.next.push(state);
        const written = applyWrite(state, step, held);
        state = written.state;
        if (written.effect !== null) add(written.effect);
        break;
      }
      case 'notrack':
        state = applyNotrack(state);
        add({ kind: 'notrack' });
        break;
      case 'nat': {
        if (step.family !== undefined && step.family !== context.family) break;
        for (const mapped of applyNat(context, table, state, visit.hook, step, at))
          switch (mapped.kind) {
            case 'mapped':
              visit.ended.push({
                state: matchedRule(run, mapped.state, [...effects, mapped.effect], { kind: 'accept' }),
                verdict: { kind: 'mapped' },
                at,
              });
              break;
            case 'dropped':
              visit.ended.push({
                state: matchedRule(run, mapped.state, effects, { kind: 'drop' }),
                verdict: { kind: 'drop' },
                at,
              });
              break;
            case 'no-match':
              onward.next.push(mapped.state);
              break;
            case 'unknown':
              visit.ended.push({ state: mapped.state, verdict: { kind: 'unknown', why: mapped.why }, at });
              break;
          }
        return;
      }
      case 'tproxy':
        visit.ended.push({ state, verdict: { kind: 'unknown', why: 'given to a transparent proxy' }, at });
        return;
      case 'note':
        if (step.what !== 'counter') add({ kind: 'note', what: step.what, text: step.text ?? '' });
        break;
      case 'verdict':
        return follow(run, state, effects, step.verdict);
      case 'unknown': {
        const decides = step.may === 'match-and-decide';
        if (!decides && !matters(steps, position + 1))
          return void onward.next.push(perhapsMatched(run, state, effects));
        const why = step.text;
        onward.next.push(assumingThat(context, state, { at, what: 'match', holds: false, why }));
        state = assumingThat(context, state, { at, what: 'match', holds: true, why });
        if (decides) {
          visit.ended.push({ state, verdict: { kind: 'unknown', why: `what "${why}" does is not modelled` }, at });
          return;
        }
        break;
      }
    }
  }
  onward.next.push(matchedRule(run, state, effects, null));
};

/** `ct mark set ct mark or 1` reads the mark of a connection before it writes it. */
const readsNothing = ({ connection }: State, { field, keep }: Extract<Step, { kind: 'write' }>): boolean =>
  field === 'ct-mark' && keep !== 0n && (connection === null || typeof connection === 'string');

/** Where the sources part, the trace forks. */
const branchOfSources = ({ visit: { context }, at }: Run, state: State): State =>
  context.recording
    ? {
        ...state,
        path: { last: { kind: 'branch', fork: 'source', at, share: null, assuming: null }, before: state.path },
      }
    : state;

const follow = (run: Run, start: State, effects: readonly Effect[], verdict: Verdict): void => {
  const { visit, onward, at, depth } = run;
  const state = matchedRule(run, start, effects, verdict);
  switch (verdict.kind) {
    case 'accept':
    case 'drop':
      visit.ended.push({ state, verdict: { kind: verdict.kind }, at });
      return;
    case 'reject':
      visit.ended.push({ state, verdict: { kind: 'reject', with: verdict.with }, at });
      return;
    case 'queue':
      visit.ended.push({ state, verdict: { kind: 'unknown', why: 'a program decides (queue)' }, at });
      return;
    case 'continue':
      onward.next.push(state);
      return;
    case 'return':
      onward.left.push(state);
      return;
    case 'jump':
    case 'goto': {
      const target = visit.table.chains.get(verdict.chain);
      if (target === undefined || depth >= MOST_JUMPS) {
        const why =
          target === undefined ? `there is no chain ${verdict.chain}` : `chains are jumped to more than ${depth} deep`;
        visit.ended.push({ state, verdict: { kind: 'unknown', why }, at });
        return;
      }
      (verdict.kind === 'jump' ? onward.next : onward.left).push(...walkChain(visit, target, [state], depth + 1));
    }
  }
};
