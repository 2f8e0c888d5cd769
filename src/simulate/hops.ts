import type { Trace, TraceNode, TraceStep } from './state/trace.ts';

/** A visit of a base chain on one way through a trace. */
export interface Hop {
  readonly entered: Extract<TraceStep, { kind: 'hop' }>;
  readonly events: readonly Extract<TraceStep, { kind: 'rule' | 'return' | 'policy' }>[];
}

/** One way from the root to an outcome. */
export interface TracePath {
  readonly steps: readonly TraceStep[];
  /** Into the outcomes of the trace. */
  readonly outcome: number;
}

const walk = (node: TraceNode, before: readonly TraceStep[], found: TracePath[]): void => {
  const steps = [...before, ...node.steps];
  if (node.next.kind === 'outcome') found.push({ steps, outcome: node.next.index });
  else for (const branch of node.next.branches) walk(branch.node, steps, found);
};

/** Every way through a trace, each as a plain list of steps. */
export const pathsOf = ({ root }: Trace): readonly TracePath[] => {
  const found: TracePath[] = [];
  walk(root, [], found);
  return found;
};

/** The visits of base chains among steps, in order. */
export const hopsOf = (steps: readonly TraceStep[]): readonly Hop[] => {
  const hops: { entered: Hop['entered']; events: Hop['events'][number][] }[] = [];
  for (const step of steps)
    if (step.kind === 'hop') hops.push({ entered: step, events: [] });
    else if (step.kind === 'rule' || step.kind === 'return' || step.kind === 'policy') hops.at(-1)?.events.push(step);
  return hops;
};
