import { fraction } from '../../lower/fraction.ts';
import type { Fraction } from '../../lower/step.ts';
import type { Place } from '../../simulate/state/place.ts';
import type { BranchView, ForkView } from './trace-view.ts';

const times = (a: Fraction | null, b: Fraction | null): Fraction | null =>
  a === null || b === null ? null : fraction(a.over * b.over, a.of * b.of);

const chainOf = (place: Place): unknown => (place.kind === 'rule' ? place.chain : place);

/**
 * A fork with its branches as people think of them: one of n, not "the first, or else the second, or else …".
 * kube-proxy's iptables rules choose in sequence: each fork leads to the next in the same chain. They become one fork.
 * So do the rules that test for one endpoint after another whether the client was there before.
 */
export const flatten = (fork: ForkView): ForkView => {
  const branches = fork.branches.flatMap((branch): readonly BranchView[] => {
    const inner = branch.node.next;
    const goesOn =
      (branch.assuming === null || (fork.fork === 'affinity' && branch.assuming.holds === false)) &&
      branch.node.steps.length === 0 &&
      inner.kind === 'fork' &&
      inner.fork === fork.fork &&
      chainOf(inner.at) === chainOf(fork.at);
    if (!goesOn) return [branch];
    return flatten(inner).branches.map((one) => ({ ...one, share: times(branch.share, one.share) }));
  });
  return { ...fork, branches };
};
