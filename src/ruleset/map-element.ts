import type { Value } from './data-type.ts';
import type { Counter } from './counter.ts';
import type { Verdict } from './verdict.ts';

/** One key of a verdict map: one value for each type of the key, and what happens on it. */
export interface MapElement {
  readonly key: readonly Value[];
  readonly verdict: Verdict;
  readonly counter?: Counter;
}
