import type { TraceNode, TraceStep } from './state/trace.ts';

/** All steps from a node on, over all its forks. */
export const allSteps = function* ({ steps, next }: TraceNode): Generator<TraceStep> {
  yield* steps;
  if (next.kind === 'fork') for (const { node } of next.branches) yield* allSteps(node);
};
