import type { Family } from '../../net/family.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { HostIndex } from '../host/host-index.ts';
import type { PacketSet } from './packet-set.ts';
import type { Place } from './place.ts';
import type { OrderName } from '../host/hook-order.ts';
import type { Fork, TraceStep } from './trace.ts';
import type { Balance, Connection, State } from './state.ts';
import type { Assumption } from './outcome.ts';
import type { Fraction } from '../../lower/step.ts';
import { fraction } from '../../lower/fraction.ts';

/** What stays the same during one evaluation. */
export interface Context {
  readonly ruleset: Ruleset;
  readonly family: Family;
  readonly index: HostIndex;
  readonly packet: PacketSet;
  readonly order: readonly OrderName[];
  /** The connection that an established packet belongs to; null: none is known. */
  readonly earlier: Connection | null;
  /** To which server IPVS gave that connection; null: to none, nobody knows, or the packet is of no established one. */
  readonly balanced: Balance | null;
  /** Whether steps are written down. */
  readonly recording: boolean;
  /** Forks so far; beyond a limit what is left is unknown. */
  readonly spent: { forks: number };
}

/** More forks than this come only from rulesets full of rules that nobody understands. */
const MOST_FORKS = 4096;

export const isExhausted = ({ spent }: Context): boolean => spent.forks > MOST_FORKS;

/** The state with one more step on its path. */
export const recorded = (context: Context, state: State, step: TraceStep): State =>
  context.recording ? { ...state, path: { last: step, before: state.path } } : state;

/** A branch of a fork of chance. */
export const byChance = (
  context: Context,
  state: State,
  at: Place,
  fork: Extract<Fork, 'random' | 'turn' | 'hash' | 'address'>,
  share: Fraction,
): State => {
  context.spent.forks++;
  const { weight } = state;
  return {
    ...state,
    weight: fraction(weight.over * share.over, weight.of * share.of),
    shared: state.shared || fork === 'turn' || fork === 'hash',
    chances: state.chances?.last === at ? state.chances : { last: at, before: state.chances },
    path: context.recording
      ? { last: { kind: 'branch', fork, at, share, assuming: null }, before: state.path }
      : state.path,
  };
};

/** A branch that assumes something. */
export const assumingThat = (context: Context, state: State, assumption: Assumption): State => {
  context.spent.forks++;
  return {
    ...state,
    assuming: { last: assumption, before: state.assuming },
    path: context.recording
      ? {
          last: { kind: 'branch', fork: assumption.what, at: assumption.at, share: null, assuming: assumption },
          before: state.path,
        }
      : state.path,
  };
};
