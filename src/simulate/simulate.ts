import type { PrefixSet } from '../net/prefix-set.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import type { Outcome } from './outcome.ts';
import type { PacketSet } from './packet-set.ts';
import type { Place } from './place.ts';
import type { Trace } from './trace.ts';

/** A chain, or all chains of a table, in the words of `--order`. */
export interface OrderName {
  /** ip, ip6, inet; null: any. */
  readonly family: string | null;
  readonly table: string;
  /** null: every chain of the table. */
  readonly chain: string | null;
}

export interface SimulateOptions {
  /** Chains of equal priority in the order in which they run, where the dumps do not tell. */
  readonly order?: readonly OrderName[];
}

/** Where some of the sources end. The leaves of an evaluation cover each source at least once. */
export interface Leaf {
  readonly sources: PrefixSet;
  readonly outcome: Outcome;
  /** The forks of chance on the way: rules and IPVS services that choose at random or in turn. */
  readonly chances: readonly Place[];
}

/** Every way of a packet through a ruleset, step by step. Pure; problems are outcomes of the kind `unknown`, never exceptions. */
export const simulate = (_ruleset: Ruleset, packet: PacketSet, _options: SimulateOptions = {}): Trace => ({
  packet,
  outcomes: [],
  root: { steps: [], next: { kind: 'outcome', index: 0 } },
});

/** The same evaluation without the steps, for sets of sources: who ends where. */
export const evaluate = (_ruleset: Ruleset, _packet: PacketSet, _options: SimulateOptions = {}): readonly Leaf[] => [];
