import { difference, emptySet, isEmpty, union, type PrefixSet } from '../../net/prefix-set.ts';
import type { Value } from '../../ruleset/values/data-type.ts';
import { isReversePath } from '../../lower/field.ts';
import type { ValueSource } from '../../lower/value-source.ts';
import type { Step } from '../../lower/step.ts';
import type { AnyTable } from '../../ruleset/table.ts';
import { typeParts } from '../host/address-type.ts';
import type { Context } from '../state/context.ts';
import { addressesOf, covers } from './element-index.ts';
import { fibPartition } from '../host/fib.ts';
import { matchIpset, matchLookup, splitByHeld } from './match-set.ts';
import { splitPorts } from '../state/ports.ts';
import { isPoint, readReading } from './read-source.ts';
import { cannotTell, splitBySet, type Truth } from '../state/split.ts';
import { SOURCES, type State } from '../state/state.ts';
import { isWayBack, keyOfWayBack } from './way-back.ts';

export type Condition = Extract<Step, { kind: 'test' | 'any' | 'lookup' | 'ipset' }>;

export const isCondition = (step: Step): step is Condition =>
  step.kind === 'test' || step.kind === 'any' || step.kind === 'lookup' || step.kind === 'ipset';

const nameOf = (reading: ValueSource): string => (typeof reading === 'string' ? reading : reading.kind);

const SOURCE_TYPES: ReadonlySet<ValueSource> = new Set([
  'source-type',
  'source-type-on-in-interface',
  'source-type-on-out-interface',
]);

/** A set of sources, split by what the routing says of them. */
const routingSplit = (context: Context, state: State, step: Extract<Step, { kind: 'test' }>): Truth | null => {
  const { field, negate, values } = step;
  if (state.source !== SOURCES || state.point !== null) return null;
  if (SOURCE_TYPES.has(field)) {
    const device = field === 'source-type' ? null : field === 'source-type-on-in-interface' ? state.in : state.out;
    return gathered(
      state,
      typeParts(context.index, state.sources, device).map(({ set, type }) => ({
        set,
        holds: type === undefined ? undefined : values.some((value) => covers(value, type)),
      })),
      negate,
      'source type',
    );
  }
  if (typeof field === 'string' && isReversePath(field) && state.in !== 'lo')
    return gathered(
      state,
      fibPartition(context.index, state.sources, keyOfWayBack(state, field)).map(({ set, result }) => {
        const holds = isWayBack(context, result, field, state.in);
        return {
          set,
          holds: holds === undefined ? undefined : values.some((value) => covers(value, holds ? 'yes' : 'no')),
        };
      }),
      negate,
      'way back',
    );
  return null;
};

const gathered = (
  state: State,
  parts: readonly { readonly set: PrefixSet; readonly holds: boolean | undefined }[],
  negate: boolean,
  unknown: string,
): Truth => {
  if (parts.some(({ holds }) => holds === undefined)) return cannotTell(state, unknown);
  const inside = parts.reduce(
    (sum, { set, holds }) => (holds === true ? union(sum, set) : sum),
    emptySet(state.sources.family),
  );
  return splitBySet(state, inside, negate);
};

const someCovers = (values: readonly Value[], point: Parameters<typeof covers>[1]): boolean => {
  for (const value of values) if (covers(value, point)) return true;
  return false;
};

const matchTest = (context: Context, table: AnyTable, state: State, step: Extract<Step, { kind: 'test' }>): Truth => {
  const { field, negate, values } = step;
  const held = readReading(context, table, state, field);
  if (isPoint(held)) return someCovers(values, held) !== negate;
  if (held === null) return false;
  if (held === SOURCES) return splitBySet(state, addressesOf(values, context.family), negate);
  if (typeof held === 'object' && 'masked' in held)
    return splitByHeld(state, held, addressesOf(values, context.family), negate, nameOf(field));
  if (held === undefined) return routingSplit(context, state, step) ?? cannotTell(state, nameOf(field));
  const { inside, outside } = splitPorts(held.ports, values);
  if (inside.length === 0) return negate;
  if (outside.length === 0) return !negate;
  if (field !== 'source-port') return cannotTell(state, nameOf(field));
  const [yes, no] = negate ? [outside, inside] : [inside, outside];
  return { yes: { ...state, sourcePort: yes }, no: { ...state, sourcePort: no }, unknown: 'source port' };
};

/** All conditions of one alternative: the sources for which they hold; undefined: cannot be told. */
const holdsFor = (context: Context, table: AnyTable, state: State, steps: readonly Step[]): PrefixSet | undefined => {
  let here = state;
  let unknown = false;
  for (const step of steps) {
    if (!isCondition(step)) return undefined;
    const truth = matchCondition(context, table, here, step);
    if (truth === true) continue;
    if (truth === false) return emptySet(context.family);
    if (truth.unknown !== null) unknown = true;
    else if (truth.yes === null) return emptySet(context.family);
    else here = truth.yes;
  }
  return unknown ? undefined : here.sources;
};

const matchAny = (context: Context, table: AnyTable, state: State, step: Extract<Step, { kind: 'any' }>): Truth => {
  let inside = emptySet(context.family);
  let unknown = false;
  for (const alternative of step.of) {
    const holds = holdsFor(context, table, state, alternative);
    if (holds === undefined) unknown = true;
    else if (holds === state.sources) return !step.negate;
    else inside = union(inside, holds);
  }
  if (unknown) return isEmpty(difference(state.sources, inside)) ? !step.negate : cannotTell(state, 'one of several');
  return splitBySet(state, inside, step.negate);
};

/** For which packets of a state a condition holds. */
export const matchCondition = (context: Context, table: AnyTable, state: State, step: Condition): Truth => {
  switch (step.kind) {
    case 'test':
      return matchTest(context, table, state, step);
    case 'any':
      return matchAny(context, table, state, step);
    case 'lookup':
      return matchLookup(context, table, state, step);
    case 'ipset':
      return matchIpset(context, state, step);
  }
};
