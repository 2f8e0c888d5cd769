import type { DataType, Value } from './data-type.ts';
import type { Counter } from './counter.ts';
import type { MapElement } from './map-element.ts';
import type { Statement } from './statement.ts';

/** One nftables table as a kernel holds it, either parsed from its listing or produced by the compiler. */
export interface Table {
  readonly family: string;
  readonly name: string;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, NamedSet>;
  readonly counters: ReadonlyMap<string, Counter>;
}

/** Where a base chain hangs in the kernel (nft(8), CHAINS). */
export interface BaseChain {
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
}

export interface Chain {
  readonly name: string;
  /** null: a chain that is only jumped to. */
  readonly base: BaseChain | null;
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly statements: readonly Statement[];
  /** The kernel's handle, where it came from a listing. */
  readonly handle?: number;
}

export type NamedSet = AddressSetObject | VerdictMap | DynamicSet | OpaqueSet;

/** A set of addresses, held as intervals exactly as they are stored in the kernel. */
export interface AddressSetObject {
  readonly kind: 'addresses';
  readonly name: string;
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  /** Ascending and disjoint; neighbours are not merged, because the kernel deletes only what it stored. */
  readonly intervals: readonly Interval[];
}

/** Both ends included. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
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

/** A set that packets fill: the ledger. Its elements are records, not rules. */
export interface DynamicSet {
  readonly kind: 'dynamic';
  readonly name: string;
  readonly types: readonly DataType[];
  /** Elements at most. */
  readonly size: number;
  /** Seconds after which an element that is not refreshed is forgotten. */
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

/** A table without anything in it. */
export const emptyTable = (family: string, name: string): Table => ({
  family,
  name,
  chains: new Map(),
  sets: new Map(),
  counters: new Map(),
});
