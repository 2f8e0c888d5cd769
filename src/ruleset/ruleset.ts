import type { Family } from '../net/family.ts';
import { absent, type Absent } from './absent.ts';
import type { Engine } from './engine.ts';
import { unknownHost, type Host } from './host.ts';
import type { IpSet } from './ipset.ts';
import type { VirtualServer } from './ipvs.ts';
import type { AnyTable } from './table.ts';

/** All that a kernel holds about where packets go. */
export interface Ruleset {
  /** Of all engines and families, each table once: iptables' own tables are never also here as nft tables. */
  readonly tables: readonly AnyTable[];
  readonly ipsets: ReadonlyMap<string, IpSet> | Absent;
  readonly ipvs: readonly VirtualServer[] | Absent;
  readonly host: Host;
  /**
   * Which engines' tables were dumped, for each family: a table that is not in `tables` does not exist only where its
   * engine is here.
   */
  readonly covered: readonly Coverage[];
}

/** The tables of an engine and a family are all known. */
export interface Coverage {
  readonly engine: Engine;
  readonly family: Family;
}

/** A kernel about which nothing is known. */
export const unknownRuleset = (): Ruleset => ({
  tables: [],
  ipsets: absent('no ipset dump was given'),
  ipvs: absent('no ipvsadm dump was given'),
  host: unknownHost(),
  covered: [],
});

/** Whether rules of an engine are in force; empty chains are none. */
export const hasRules = ({ tables }: Ruleset, engine: Engine): boolean =>
  tables.some((table) => table.engine === engine && [...table.chains.values()].some(({ rules }) => rules.length > 0));

/** Whether the dumps say all that an engine holds for a family. */
export const isCovered = ({ covered }: Ruleset, engine: Engine, family: Family): boolean =>
  covered.some((one) => one.engine === engine && one.family === family);
