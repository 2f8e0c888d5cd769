import type { Assumption } from './state/outcome.ts';
import type { Arrival } from './way/path.ts';
import type { Place } from './state/place.ts';
import { listed, type PathItem } from './state/state.ts';
import type { Fork, TraceStep } from './state/trace.ts';
import type { Fraction } from '../lower/step.ts';

/** The tree of a way before its outcomes are put together: leaves are ends. */
export interface WayNode {
  readonly steps: readonly TraceStep[];
  readonly next:
    | { readonly kind: 'end'; readonly end: Arrival }
    | { readonly kind: 'fork'; readonly fork: Fork; readonly at: Place; readonly branches: readonly WayBranch[] };
}

export interface WayBranch {
  readonly share: Fraction | null;
  readonly assuming: Assumption | null;
  readonly node: WayNode;
}

interface Walked {
  readonly end: Arrival;
  readonly items: readonly PathItem[];
}

/** Ends whose paths share their beginnings become a tree: what is the same object is the same step. */
export const treeOf = (ends: readonly Arrival[]): WayNode | null =>
  ends.length === 0
    ? null
    : nodeOf(
        ends.map((end) => ({ end, items: listed(end.state.path) })),
        0,
      );

const nodeOf = (walked: readonly Walked[], from: number): WayNode => {
  const steps: TraceStep[] = [];
  let depth = from;
  const [first, ...others] = walked;
  if (first === undefined) return { steps, next: { kind: 'fork', fork: 'source', at: NOWHERE, branches: [] } };
  for (;;) {
    const item = first.items[depth];
    if (item === undefined) {
      if (others.length === 0) return { steps, next: { kind: 'end', end: first.end } };
      break;
    }
    if (item.kind === 'branch' || others.some(({ items }) => items[depth] !== item)) break;
    steps.push(item);
    depth++;
  }
  const groups = new Map<PathItem | undefined, Walked[]>();
  for (const one of walked) {
    const item = one.items[depth];
    const same = groups.get(item);
    if (same === undefined) groups.set(item, [one]);
    else same.push(one);
  }
  let fork: Fork = 'source';
  let at = NOWHERE;
  const branches = [...groups].flatMap(([item, group]): readonly WayBranch[] => {
    if (item?.kind === 'branch') {
      ({ fork, at } = item);
      return [{ share: item.share, assuming: item.assuming, node: nodeOf(group, depth + 1) }];
    }
    if (item !== undefined) return [{ share: null, assuming: null, node: nodeOf(group, depth) }];
    return group.map(({ end }) => ({
      share: null,
      assuming: null,
      node: { steps: [], next: { kind: 'end', end } },
    }));
  });
  return { steps, next: { kind: 'fork', fork, at, branches } };
};

const NOWHERE: Place = { kind: 'routing', family: 4, table: '', text: '' };
