import { accessDifference, type AccessDifference } from '../../access/difference.ts';
import { newlyCut, type ClientFlow, type CutFlow } from '../../access/flow.ts';
import type { Access } from '../../access/model.ts';
import { EMPTY_STATE, evaluateState, type Evaluated, type StoredState } from '../../access/state.ts';
import { error, ok, warning, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import type { Address } from '../../net/address.ts';
import { cutOf, type Cut } from './cut.ts';
import type { Facts } from './facts.ts';
import { cutsOwnHost, refusesOwnSession, type Administrator } from './own-session.ts';
import { cautions, obstacles } from './preconditions.ts';
import { stateWith, type Wish } from './wish.ts';

/** A change that is taken back unless it is confirmed in time. */
export interface Unconfirmed {
  /** Milliseconds since 1970. */
  readonly deadline: number;
  /** What comes back. */
  readonly previous: StoredState;
}

/** Everything that a plan depends on, beside the wish. */
export interface Situation {
  readonly facts: Facts;
  /** What is stored, or why that cannot be read. */
  readonly stored: Result<StoredState>;
  /** null: nothing waits for a confirmation. */
  readonly pending: Unconfirmed | null;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The tracked connections; null: they cannot be listed. */
  readonly flows: readonly ClientFlow[] | null;
  /** Tells the node's own addresses. */
  readonly isLocal: (address: Address) => boolean;
  readonly administrator: Administrator;
}

/** How careful the change has to be. */
export interface Care {
  /** Nothing will be carried out: what would stop it is a warning. */
  readonly rehearsal: boolean;
  readonly ignoreDataplane: boolean;
  readonly mayCutOwnSession: boolean;
  /**
   * Milliseconds within which the change must be confirmed; null: it needs no confirmation; `if-own-host-is-cut`: a
   * minute, where it is.
   */
  readonly confirmWithin: number | null | 'if-own-host-is-cut';
}

/** What will be done, and what it means. */
export interface Plan {
  readonly previous: StoredState;
  /** What the previous state comes to; null where that cannot be told. */
  readonly accessBefore: Access | null;
  readonly state: StoredState;
  readonly evaluated: Evaluated;
  readonly difference: AccessDifference;
  /** What of the tracked connections the new access refuses; null: nobody may look. */
  readonly cut: Cut | null;
  /** Those of them that the old access let through. */
  readonly newlyCut: readonly CutFlow[];
  readonly confirmMs: number | null;
  /** A change that nobody has confirmed in time is taken back with this one. */
  readonly takesBack: boolean;
  readonly warnings: readonly Diagnostic[];
}

/** A plan, or why there is none: because of the machine, or of what was asked for. */
export type Planned =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'refused'; readonly because: 'machine' | 'request'; readonly problems: readonly Diagnostic[] };

const DEFAULT_CONFIRM_MS = 60_000;

const refused = (because: 'machine' | 'request', problems: readonly Diagnostic[]): Planned => ({
  kind: 'refused',
  because,
  problems,
});

/** What stops a change, said by a rehearsal. */
const wouldStop = (problems: readonly Diagnostic[]): readonly Diagnostic[] =>
  problems.map(({ code, message, hint }) => warning(code, `a real run would stop here: ${message}`, undefined, hint));

/** Whether a wish may start from nothing where the stored state cannot be read. */
const mayStartAnew = ({ kind }: Wish, problems: readonly Diagnostic[]): boolean =>
  kind === 'remove' || (kind === 'declare' && problems.every(({ code }) => code === 'state-damaged'));

/** A pipe whose first command has failed brings nothing: that must not open every port. */
const declaresNothing = (
  { kind }: Wish,
  { restrictions }: StoredState,
  { declared: { policies, groups, services, nodes, namespaces } }: Evaluated,
): readonly Diagnostic[] =>
  kind !== 'declare' ||
  policies.length > restrictions.length ||
  groups.size + services.length + nodes.length + namespaces.length > 0
    ? []
    : [
        error(
          'no-objects',
          'there is no policy and no other object in what was given',
          undefined,
          'To take everything away, say so: portcullis remove',
        ),
      ];

const accessOf = (state: StoredState): Access | null => {
  const evaluated = evaluateState(state);
  return evaluated.ok ? evaluated.value.access : null;
};

const stillPending = ({ deadline }: Unconfirmed, now: number): Diagnostic =>
  error(
    'pending',
    'an earlier change still waits to be confirmed',
    undefined,
    `portcullis confirm keeps it; else it is taken back in ${Math.ceil((deadline - now) / 1000)} s`,
  );

const confirmMs = ({ confirmWithin }: Care, administrator: Administrator, cut: readonly CutFlow[]): number | null =>
  confirmWithin === 'if-own-host-is-cut'
    ? cutsOwnHost(administrator, cut)
      ? DEFAULT_CONFIRM_MS
      : null
    : confirmWithin;

/**
 * How a wish is fulfilled on a node: what will be stored and enforced, what that changes, whom it cuts, and what a
 * person should know before. Nothing is changed here. A change that was not confirmed in time counts as taken back
 * already.
 */
export const planFor = (situation: Situation, wish: Wish, care: Care): Planned => {
  const { facts, pending, now, flows, isLocal, administrator } = situation;
  const obstacle = obstacles(facts, care.ignoreDataplane);
  if (obstacle.length > 0 && !care.rehearsal) return refused('machine', obstacle);
  const takesBack = pending !== null && pending.deadline <= now;
  const stored = takesBack ? ok(pending.previous) : situation.stored;
  if (!stored.ok && !mayStartAnew(wish, stored.problems)) return refused('machine', stored.problems);
  if (pending !== null && !takesBack && !care.rehearsal) return refused('request', [stillPending(pending, now)]);
  const previous = stored.ok ? stored.value : EMPTY_STATE;
  const next = stateWith(previous, wish);
  if (!next.ok) return refused('request', next.problems);
  const evaluated = evaluateState(next.value);
  if (!evaluated.ok) return refused('request', evaluated.problems);
  const { access } = evaluated.value;
  const objections = declaresNothing(wish, next.value, evaluated.value);
  if (objections.length > 0) return refused('request', objections);

  const ownSession = care.mayCutOwnSession ? null : refusesOwnSession(access, administrator, isLocal);
  const own = ownSession === null ? [] : [ownSession];
  const warnings = [
    ...(stored.ok
      ? []
      : stored.problems.map(({ code, message }) =>
          warning(code, `${message}: this starts anew, and earlier restrictions are forgotten`),
        )),
    ...evaluated.warnings,
    ...(care.rehearsal ? wouldStop(obstacle) : []),
    ...cautions(facts, access),
    ...(care.rehearsal ? wouldStop(own) : own),
  ];
  const stopping = warnings.filter(({ severity }) => severity === 'error');
  if (stopping.length > 0) return refused('request', stopping);

  const before = accessOf(previous);
  const cut = facts.mayAdministrate ? cutOf(access, flows, isLocal) : null;
  const newly = newlyCut(cut?.flows ?? [], before, isLocal);
  return {
    kind: 'plan',
    plan: {
      previous,
      accessBefore: before,
      state: next.value,
      evaluated: evaluated.value,
      difference: accessDifference(before, access),
      cut,
      newlyCut: newly,
      confirmMs: confirmMs(care, administrator, newly),
      takesBack,
      warnings,
    },
  };
};
