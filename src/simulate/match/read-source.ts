import type { Value } from '../../ruleset/values/data-type.ts';
import type { DataElement } from '../../ruleset/values/map-element.ts';
import type { ValueSource } from '../../lower/value-source.ts';
import type { AnyTable } from '../../ruleset/table.ts';
import type { Context } from '../state/context.ts';
import { findElements, type Point } from './element-index.ts';
import { readField, type Held } from './read-field.ts';
import { SOURCES, type State } from '../state/state.ts';

/** A value that is one point; undefined: a range. */
const pointOfValue = (value: Value): Point | undefined =>
  value.kind === 'range' ? (value.first === value.last ? value.first : undefined) : value.name;

/** Whether it is one known value. */
export const isPoint = (held: Held): held is Point =>
  typeof held === 'bigint' || typeof held === 'string' || Array.isArray(held);

/** The value that a map holds for the packet; null: the map has no such key; undefined: cannot be told. */
export const mappedValue = (
  context: Context,
  table: AnyTable,
  state: State,
  reading: Extract<ValueSource, { kind: 'mapped' }>,
): Value | null | undefined => {
  let elements: readonly DataElement[];
  if (typeof reading.map === 'string') {
    const map = table.sets.get(reading.map);
    if (map?.kind !== 'data-map' || map.dynamic) return undefined;
    ({ elements } = map);
  } else elements = reading.map;
  const key = reading.key.map((part) => readReading(context, table, state, part));
  if (key.includes(null)) return null;
  if (!key.every(isPoint)) return undefined;
  const [found] = findElements(elements, key);
  return found === undefined ? null : found.data[reading.part];
};

/** What a reading gives for the packets of a state (see {@link Held}). */
export const readReading = (context: Context, table: AnyTable, state: State, reading: ValueSource): Held => {
  if (typeof reading === 'string') return readField(context, state, reading);
  switch (reading.kind) {
    case 'masked': {
      const held = readField(context, state, reading.field);
      if (held === null) return null;
      if (held === SOURCES) return { masked: reading };
      if (typeof held !== 'bigint') return undefined;
      const value = (held & reading.and) ^ reading.xor;
      return reading.shift >= 0 ? value >> BigInt(reading.shift) : value << BigInt(-reading.shift);
    }
    case 'constant':
      return pointOfValue(reading.value);
    case 'mapped': {
      const value = mappedValue(context, table, state, reading);
      return value === null || value === undefined ? value : pointOfValue(value);
    }
    case 'unknown':
      return undefined;
  }
};

/** The values that a reading can give: a constant may stand for a range; null: nothing; undefined: cannot be told. */
export const rangeOfReading = (
  context: Context,
  table: AnyTable,
  state: State,
  reading: ValueSource,
): { readonly first: bigint; readonly last: bigint } | null | undefined => {
  if (typeof reading === 'object' && (reading.kind === 'constant' || reading.kind === 'mapped')) {
    const value = reading.kind === 'constant' ? reading.value : mappedValue(context, table, state, reading);
    if (value === null || value === undefined) return value;
    return value.kind === 'range' ? value : undefined;
  }
  const held = readReading(context, table, state, reading);
  if (held === null) return null;
  return typeof held === 'bigint' ? { first: held, last: held } : undefined;
};
