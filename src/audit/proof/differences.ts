import { addressUnion, nobody, type AddressSet } from '../../net/address-set.ts';
import type { Family } from '../../net/family.ts';
import { isEmpty, type PrefixSet } from '../../net/prefix-set.ts';

/** Where the kernel's own listing and the access disagree. */
export interface Difference {
  /** An exposure's id, or the port or address where there is no exposure. */
  readonly exposure: string;
  /** Sources that the kernel may let in although the policies refuse them. */
  readonly gained: AddressSet;
  /** Sources that the kernel may refuse although the policies allow them. */
  readonly lost: AddressSet;
  /** The rules that decide so: `prerouting rule 3`. */
  readonly because: readonly string[];
}

export interface Proof {
  readonly holds: boolean;
  /** Guarded exposures that were compared. */
  readonly exposures: number;
  readonly differences: readonly Difference[];
}

/** Reasons that a difference names at most. */
const MOST_REASONS = 8;

/** Gathers differences for each exposure over all the packets that are tried. */
export interface Differences {
  /** Sources of a family that are let in, or refused, against the policies, and why. None of them: nothing is noted. */
  readonly note: (kind: 'gained' | 'lost', exposure: string, sources: PrefixSet, why: () => readonly string[]) => void;
  /** The table as a whole cannot be believed, also where nobody is known to gain by it. */
  readonly fail: (exposure: string, sources: PrefixSet, why: string) => void;
  /** How many times something was noted so far. */
  readonly found: () => number;
  readonly proof: (exposures: number) => Proof;
}

const setOf = (set: PrefixSet): AddressSet => ({ ...nobody, [`v${set.family}` satisfies `v${Family}`]: set });

/** Begins with nothing. */
export const collectDifferences = (): Differences => {
  const entries = new Map<string, { gained: AddressSet; lost: AddressSet; because: Set<string> }>();
  let notes = 0;
  const add = (kind: 'gained' | 'lost', exposure: string, set: PrefixSet, why: readonly string[]): void => {
    notes += 1;
    const entry = entries.get(exposure) ?? { gained: nobody, lost: nobody, because: new Set<string>() };
    entries.set(exposure, entry);
    if (!isEmpty(set)) entry[kind] = addressUnion(entry[kind], setOf(set));
    for (const one of why) entry.because.add(one);
  };
  return {
    note: (kind, exposure, sources, why) => {
      if (!isEmpty(sources)) add(kind, exposure, sources, why());
    },
    fail: (exposure, sources, why) => add('gained', exposure, sources, [why]),
    found: () => notes,
    proof: (exposures) => ({
      holds: entries.size === 0,
      exposures,
      differences: [...entries].map(([exposure, { gained, lost, because }]) => ({
        exposure,
        gained,
        lost,
        because: [...because].slice(0, MOST_REASONS),
      })),
    }),
  };
};
