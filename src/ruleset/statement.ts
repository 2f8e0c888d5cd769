import { zero, type Counter } from './counter.ts';
import type { Value } from './data-type.ts';
import type { Expression } from './expression.ts';
import type { MapElement } from './map-element.ts';
import type { RejectKind, Verdict } from './verdict.ts';

/** What a rule compares with: values in place, or a named set. */
export type Operand =
  { readonly kind: 'values'; readonly values: readonly Value[] } | { readonly kind: 'set'; readonly name: string };

/** One statement of a rule, in nft's syntax (nft(8), STATEMENTS). What the model does not know is kept as text. */
export type Statement =
  | { readonly kind: 'match'; readonly left: readonly Expression[]; readonly negate: boolean; readonly right: Operand }
  | {
      readonly kind: 'vmap';
      readonly key: readonly Expression[];
      readonly map:
        | { readonly kind: 'named'; readonly name: string }
        | { readonly kind: 'inline'; readonly elements: readonly MapElement[] };
    }
  | { readonly kind: 'update'; readonly set: string; readonly key: readonly Expression[]; readonly counted: boolean }
  | { readonly kind: 'counter'; readonly counter: Counter }
  | { readonly kind: 'counter-named'; readonly name: string }
  | { readonly kind: 'limit'; readonly rate: number; readonly per: string; readonly burst: number }
  | { readonly kind: 'reject'; readonly with: RejectKind }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'unknown'; readonly text: string };

/** `left == right` (or `!=`) for one expression. */
export const match = (left: Expression, right: Operand, negate = false): Statement => ({
  kind: 'match',
  left: [left],
  negate,
  right,
});
export const values = (...list: readonly Value[]): Operand => ({ kind: 'values', values: list });
export const inSet = (name: string): Operand => ({ kind: 'set', name });
export const verdict = (value: Verdict): Statement => ({ kind: 'verdict', verdict: value });
export const counted = (counter: Counter = zero): Statement => ({ kind: 'counter', counter });
