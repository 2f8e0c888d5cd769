import type { Value } from './data-type.ts';
import type { MapElement } from './map-element.ts';
import type { Verdict } from './verdict.ts';

/** What a step reads, the same for every dialect. */
export type Field =
  | 'family'
  | 'protocol'
  | 'source'
  | 'destination'
  | 'source-port'
  | 'destination-port'
  | 'direction'
  | 'in-interface'
  | 'out-interface'
  | 'source-type'
  | 'destination-type';

/** The meaning of a rule: what an evaluator does, one after another, until one of them does not match. */
export type Step =
  | { readonly kind: 'test'; readonly field: Field; readonly negate: boolean; readonly values: readonly Value[] }
  | { readonly kind: 'lookup'; readonly key: readonly Field[]; readonly negate: boolean; readonly set: string }
  | {
      readonly kind: 'verdict-map';
      readonly key: readonly Field[];
      readonly map: string | readonly MapElement[];
    }
  /** May fail to match for reasons outside the packet: a rate, a full set. */
  | { readonly kind: 'maybe'; readonly why: 'limit' | 'dynamic-set' }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /** Not understood: it may match or not, and may decide (law 6: never guessed). */
  | { readonly kind: 'unknown'; readonly text: string };
