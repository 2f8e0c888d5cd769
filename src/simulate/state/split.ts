import { isEmpty, type PrefixSet } from '../../net/prefix-set.ts';
import { knownDifference, knownIntersection } from '../../net/remembered.ts';
import type { State } from './state.ts';

/** The packets for which a condition holds, and the others; both where nobody can tell, with the reason. */
export interface Split {
  readonly yes: State | null;
  readonly no: State | null;
  readonly unknown: string | null;
}

/** Whether a condition holds for all packets of a state, or which of them. */
export type Truth = boolean | Split;

export const cannotTell = (state: State, unknown: string): Split => ({ yes: state, no: state, unknown });

const withSources = (state: State, sources: PrefixSet): State | null =>
  isEmpty(sources) ? null : sources === state.sources ? state : { ...state, sources };

/** The packets whose source is in a set. */
export const splitBySet = (state: State, set: PrefixSet, negate: boolean): Truth => {
  // Thousands of exposures share a few rules, so what was computed for one is found again for the others.
  const inside = withSources(state, knownIntersection(state.sources, set));
  if (inside === null) return negate;
  const outside = withSources(state, knownDifference(state.sources, set));
  if (outside === null) return !negate;
  return negate ? { yes: outside, no: inside, unknown: null } : { yes: inside, no: outside, unknown: null };
};
