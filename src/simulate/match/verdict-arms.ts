import { emptySet, union } from '../../net/prefix-set.ts';
import type { MapElement } from '../../ruleset/values/map-element.ts';
import type { Step } from '../../lower/step.ts';
import type { AnyTable } from '../../ruleset/table.ts';
import type { Verdict } from '../../ruleset/values/verdict.ts';
import type { Context } from '../state/context.ts';
import { addressesAt, couldFind, findElements } from './element-index.ts';
import { isKnownKey, partsOf, sourcesAt } from './match-set.ts';
import { readReading } from './read-source.ts';
import { splitBySet } from '../state/split.ts';
import type { State } from '../state/state.ts';

/** The packets that find an element of a verdict map, and those that find none. */
export interface Arms {
  readonly hits: readonly { readonly state: State; readonly verdict: Verdict }[];
  readonly miss: State | null;
}

const elementsOf = (table: AnyTable, map: string | readonly MapElement[]): readonly MapElement[] | null => {
  if (typeof map !== 'string') return map;
  const named = table.sets.get(map);
  return named?.kind === 'verdict-map' ? named.elements : null;
};

/** Where the packets of a state go by a verdict map; null: cannot be told. */
export const verdictArms = (
  context: Context,
  table: AnyTable,
  state: State,
  { key, map }: Extract<Step, { kind: 'verdict-map' }>,
): Arms | null => {
  const elements = elementsOf(table, map);
  if (elements === null) return null;
  const held = key.map((reading) => readReading(context, table, state, reading));
  if (held.includes(null)) return { hits: [], miss: state };
  const points = partsOf(held);
  if (!isKnownKey(points)) return couldFind(elements, points) ? null : { hits: [], miss: state };
  const open = points.indexOf(null);
  const found = findElements(elements, points);
  if (open === -1) {
    const [first] = found;
    return first === undefined ? { hits: [], miss: state } : { hits: [{ state, verdict: first.verdict }], miss: null };
  }
  let covered = emptySet(context.family);
  const hits: { state: State; verdict: Verdict }[] = [];
  for (const element of found) {
    const set = sourcesAt(held[open], addressesAt([element], open, context.family));
    if (set === null) return null;
    const truth = splitBySet(state, set, false);
    if (truth === true) return { hits: [{ state, verdict: element.verdict }], miss: null };
    if (truth === false || truth.yes === null) continue;
    hits.push({ state: truth.yes, verdict: element.verdict });
    covered = union(covered, set);
  }
  const rest = splitBySet(state, covered, true);
  return { hits, miss: rest === true ? state : rest === false ? null : rest.yes };
};
