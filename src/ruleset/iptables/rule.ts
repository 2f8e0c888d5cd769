import type { Counter } from '../values/counter.ts';
import type { IptablesMatch } from './match.ts';
import type { IptablesTarget } from './target.ts';

/** A rule of iptables: its syntax, as iptables-save writes it. */
export interface IptablesRule {
  readonly kind: 'iptables';
  /** In the order in which they are written. */
  readonly matches: readonly IptablesMatch[];
  /** null: the rule only counts. */
  readonly target: IptablesTarget | null;
  /** Where the dump has counters (`-c`). */
  readonly counter: Counter | null;
  /** Line in the table's file, from 1; 0 where the rule was not read from a file. */
  readonly line: number;
  /** The handle of the same rule in nf_tables, where an nft listing told it. */
  readonly handle?: number;
}
