import { valueText, type Value } from './data-type.ts';
import type { Counter } from './counter.ts';
import type { Verdict } from './verdict.ts';

/** One key of a verdict map: one value for each type of the key, and what happens on it. */
export interface MapElement {
  readonly key: readonly Value[];
  readonly verdict: Verdict;
  readonly counter?: Counter;
  readonly comment?: string;
}

/**
 * One key of a map of values: one value for each type of the key, and what it stands for, one value for each type of
 * the data.
 */
export interface DataElement {
  readonly key: readonly Value[];
  readonly data: readonly Value[];
  readonly comment?: string;
}

/** A key as text: equal for equal keys. */
export const keyText = ({ key }: { readonly key: readonly Value[] }): string => key.map(valueText).join(' ');
