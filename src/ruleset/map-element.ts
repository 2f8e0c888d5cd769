import type { Value } from './data-type.ts';
import type { Counter } from './counter.ts';
import type { Verdict } from './verdict.ts';

/** One key of a verdict map: one value for each type of the key, and what happens on it. */
export interface MapElement {
  readonly key: readonly Value[];
  readonly verdict: Verdict;
  readonly counter?: Counter;
}

/** A key as text: equal for equal keys. */
export const keyText = ({ key }: MapElement): string =>
  key.map((value) => (value.kind === 'range' ? `${value.first}-${value.last}` : value.name)).join(' ');
