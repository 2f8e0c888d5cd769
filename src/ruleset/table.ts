import type { DataType, Value } from './values/data-type.ts';
import type { Counter } from './values/counter.ts';
import type { Engine, IptablesEngine } from './engine.ts';
import type { IptablesRule } from './iptables/rule.ts';
import type { DataElement, MapElement } from './values/map-element.ts';
import type { Statement } from './nft/statement.ts';
import type { TableFamily } from './values/table-family.ts';

/** What tables of either dialect have. */
interface TableOf<E extends Engine, R extends AnyRule> {
  readonly engine: E;
  readonly family: TableFamily;
  readonly name: string;
  readonly chains: ReadonlyMap<string, Chain<R>>;
  readonly sets: ReadonlyMap<string, NamedSet>;
  readonly counters: ReadonlyMap<string, Counter>;
  /** Flags of the table, where it has any: a `dormant` one judges nothing. nft 1.0.6 garbles their names in JSON. */
  readonly flags?: readonly string[];
  /** Named flowtables: established connections may pass all chains by. */
  readonly flowtables?: readonly Flowtable[];
  /** The dump that it was read from. */
  readonly file?: string;
  /**
   * The listing leaves out parts of its rules (iptables' own, seen through nft): rules with `xt` or without a verdict
   * are unknown.
   */
  readonly opaque?: boolean;
}

/** A table of nftables as a kernel holds it, parsed from a dump or produced by the compiler. */
export type Table = TableOf<'nft', Rule>;

/** A table of iptables. Its sets are ipsets, and stand in the Ruleset. */
export type IptablesTable = TableOf<IptablesEngine, IptablesRule>;

/** A table of either dialect; `engine` tells which. */
export type AnyTable = Table | IptablesTable;

/** Finds a table of nftables by family and name. */
export const findNftTable = (
  tables: readonly AnyTable[],
  { family, name }: Pick<Table, 'family' | 'name'>,
): Table | null =>
  tables.find((table): table is Table => table.engine === 'nft' && table.family === family && table.name === name) ??
  null;

export type AnyRule = Rule | IptablesRule;
export type AnyChain = Chain<AnyRule>;

/** Where a base chain is attached in the kernel (nft(8), CHAINS). */
export interface BaseChain {
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
  /** Ingress and egress chains are attached to devices. */
  readonly devices?: readonly string[];
}

export interface Chain<R extends AnyRule = Rule> {
  readonly name: string;
  /** null: a chain that is only jumped to. */
  readonly base: BaseChain | null;
  readonly rules: readonly R[];
  /** The kernel's handle: within one table a higher one is registered later and runs first at equal priority. */
  readonly handle?: number;
  /** What the policy has counted (iptables). */
  readonly counter?: Counter;
  /** Line of its declaration in the table's file, from 1. */
  readonly line?: number;
}

/** A rule of nftables. */
export interface Rule {
  readonly kind?: 'nft';
  readonly statements: readonly Statement[];
  /** The kernel's handle, where it came from a listing. */
  readonly handle?: number;
  readonly comment?: string;
  /** Line in the table's file, from 1. */
  readonly line?: number;
}

export interface Flowtable {
  readonly name: string;
  readonly hook: string;
  readonly priority: number;
  readonly devices: readonly string[];
}

/** A set or map of which everything is known. */
export type KnownSet = AddressSetObject | VerdictMap | DynamicSet | ElementSet | DataMap;

export type NamedSet = KnownSet | OpaqueSet;

/** A set of addresses, held exactly as they are stored in the kernel. */
export interface AddressSetObject {
  readonly kind: 'addresses';
  readonly name: string;
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  /** `flags interval`: elements may be ranges. Without it the set is a hash set of single addresses. */
  readonly interval: boolean;
  /** Elements at most, where that is declared. */
  readonly size?: number;
  /** Ascending and disjoint; neighbours are not merged, because the kernel deletes only what it stored. */
  readonly intervals: readonly Interval[];
}

/** Both ends included. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** A set of other values than addresses alone: ports, interfaces, concatenations. One value for each type. */
export interface ElementSet {
  readonly kind: 'elements';
  readonly name: string;
  readonly types: readonly DataType[];
  readonly interval: boolean;
  readonly elements: readonly (readonly Value[])[];
}

export interface VerdictMap {
  readonly kind: 'verdict-map';
  readonly name: string;
  readonly types: readonly DataType[];
  /** `flags interval`: keys may hold ranges. */
  readonly interval: boolean;
  readonly counted: boolean;
  readonly elements: readonly MapElement[];
}

/** The elements of a verdict map; none where there is no such map. */
export const verdictElements = (map: NamedSet | undefined): readonly MapElement[] =>
  map?.kind === 'verdict-map' ? map.elements : [];

/** A map from keys to values. */
export interface DataMap {
  readonly kind: 'data-map';
  readonly name: string;
  readonly types: readonly DataType[];
  readonly dataTypes: readonly DataType[];
  readonly interval: boolean;
  /** Packets fill it: what it holds is what it held when it was listed. */
  readonly dynamic: boolean;
  readonly elements: readonly DataElement[];
}

/** A set that packets fill: the ledger, session affinity. Its elements are records, not rules. */
export interface DynamicSet {
  readonly kind: 'dynamic';
  readonly name: string;
  readonly types: readonly DataType[];
  /** Elements at most. */
  readonly size: number;
  /** Seconds after which an element that is not refreshed is forgotten; 0: never. */
  readonly timeout: number;
  readonly elements: readonly DynamicElement[];
}

export interface DynamicElement {
  readonly key: readonly Value[];
  readonly counter: Counter;
  /** Seconds left; null where the listing does not say. */
  readonly expires: number | null;
}

/** A set of a form that the model does not know: look-ups in it are unknown. */
export interface OpaqueSet {
  readonly kind: 'opaque';
  readonly name: string;
  readonly text: string;
}

/** An nftables table without anything in it. */
export const emptyTable = (family: TableFamily, name: string): Table => ({
  engine: 'nft',
  family,
  name,
  chains: new Map(),
  sets: new Map(),
  counters: new Map(),
});
