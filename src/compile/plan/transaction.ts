import type { MapElement } from '../../ruleset/values/map-element.ts';
import type { DataType } from '../../ruleset/values/data-type.ts';
import type { BaseChain, KnownSet, Rule } from '../../ruleset/table.ts';

/** One step of a change to the own table. */
export type Operation =
  | { readonly kind: 'add-table' }
  | { readonly kind: 'delete-table' }
  | { readonly kind: 'add-counter'; readonly name: string }
  | { readonly kind: 'delete-counter'; readonly name: string }
  /**
   * A set or map of intervals comes with what it holds, and never changes (see layers.ts); keys are added to other maps
   * by an operation of their own.
   */
  | { readonly kind: 'add-set'; readonly set: KnownSet }
  | { readonly kind: 'delete-set'; readonly name: string }
  | { readonly kind: 'add-chain'; readonly name: string; readonly base: BaseChain | null }
  | { readonly kind: 'delete-chain'; readonly name: string }
  /**
   * Replaces all rules of a chain: one pointer in the kernel (net/netfilter/nf_tables_api.c, nf_tables_commit_chain).
   */
  | { readonly kind: 'replace-rules'; readonly chain: string; readonly rules: readonly Rule[] }
  | {
      readonly kind: 'add-keys' | 'delete-keys';
      readonly map: string;
      /** Of the map's keys. */
      readonly types: readonly DataType[];
      readonly elements: readonly MapElement[];
    };

/** What the kernel takes as a whole or not at all (`nft -f`). */
export interface Transaction {
  readonly operations: readonly Operation[];
}

/**
 * A change, in the order in which it is safe: `stage` brings what nothing refers to, so that no packet notices;
 * `switch` takes effect; `sweep`, at least a second later, removes what nothing refers to any more. Before each
 * transaction of the switch the packets that may have met what was before the last one are through, so that packets
 * under way meet two neighbouring states at most.
 */
export interface Change {
  readonly stage: readonly Transaction[];
  readonly switch: readonly Transaction[];
  readonly sweep: readonly Transaction[];
}
