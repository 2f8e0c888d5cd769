import type { Value } from '../ruleset/values/data-type.ts';
import type { Field } from './field.ts';
import type { DataElement } from '../ruleset/values/map-element.ts';

/** How a value comes about when a step runs: mostly a field of the packet as it is. */
export type ValueSource = Field | Computed;

export type Computed =
  /**
   * `(field & and) ^ xor`, then shifted right by `shift` bits: every bitwise operation with constants comes down to
   * this.
   */
  | {
      readonly kind: 'masked';
      readonly field: Field;
      readonly and: bigint;
      readonly xor: bigint;
      /** Negative: to the left. */
      readonly shift: number;
    }
  | { readonly kind: 'constant'; readonly value: Value }
  /**
   * The data that a map holds for a key; the rule does not match where the map has no such key. A named map is one of
   * the rule's table.
   */
  | {
      readonly kind: 'mapped';
      readonly key: readonly ValueSource[];
      readonly map: string | readonly DataElement[];
      /** Which part of the data, from 0. */
      readonly part: number;
    }
  /** Cannot be told from the packet: a branch for each possibility. */
  | { readonly kind: 'unknown'; readonly text: string };

/** A fixed value as a reading. */
export const constant = (value: Value): ValueSource => ({ kind: 'constant', value });

/** A key as text: equal for equal keys. */
export const readingsText = (key: readonly ValueSource[]): string =>
  key
    .map((reading) =>
      typeof reading === 'string'
        ? reading
        : JSON.stringify(reading, (_name, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
    )
    .join(' ');

/** Whether a value is a port, or is calculated from one. */
export const readsPort = (source: ValueSource): boolean =>
  typeof source === 'string'
    ? source === 'destination-port' || source === 'source-port'
    : readingsText([source]).includes('-port"');
