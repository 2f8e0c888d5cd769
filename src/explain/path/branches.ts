import { fraction } from '../../lower/fraction.ts';
import type { Fraction } from '../../lower/step.ts';
import type { Place } from '../../simulate/state/place.ts';
import type { Branch, Fork, TraceNode } from '../../simulate/state/trace.ts';

/** A fork with its branches as people think of it: one of n, not "the first, or else the second, or else …". */
export interface FlatFork {
  readonly fork: Fork;
  readonly at: Place;
  readonly branches: readonly Branch[];
}

const times = (a: Fraction | null, b: Fraction | null): Fraction | null =>
  a === null || b === null ? null : fraction(a.over * b.over, a.of * b.of);

const chainOf = (place: Place): unknown => (place.kind === 'rule' ? place.chain : place);

/** kube-proxy's iptables rules choose one after another: each fork leads to the next in the same chain. They become one fork; so do the rules that ask, endpoint by endpoint, whether the client was there before. */
export const flatten = (next: Extract<TraceNode['next'], { kind: 'fork' }>): FlatFork => {
  const branches = next.branches.flatMap((branch): readonly Branch[] => {
    const inner = branch.node.next;
    const goesOn =
      (branch.assuming === null || (next.fork === 'affinity' && branch.assuming.holds === false)) &&
      branch.node.steps.length === 0 &&
      inner.kind === 'fork' &&
      inner.fork === next.fork &&
      chainOf(inner.at) === chainOf(next.at);
    if (!goesOn) return [branch];
    return flatten(inner).branches.map((one) => ({ ...one, share: times(branch.share, one.share) }));
  });
  return { fork: next.fork, at: next.at, branches };
};

/** Where a branch rewrites the destination to; null: it does not, or its own forks do so differently. */
export const targetOf = ({ steps }: TraceNode): { readonly address: bigint; readonly port: number | null } | null => {
  for (const step of steps) {
    if (step.kind === 'ipvs' && step.to !== null) return step.to;
    if (step.kind !== 'rule') continue;
    for (const effect of step.effects)
      if (effect.kind === 'nat' && effect.how !== 'snat' && effect.how !== 'masquerade') return effect.to;
  }
  return null;
};
