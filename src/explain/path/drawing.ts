import type { TreeLine } from '../words/tree-line.ts';
import type { Naming } from './naming.ts';
import type { NodeView, TraceView } from './trace-view.ts';

/** A tree that is being drawn. */
export interface Drawing {
  readonly view: TraceView;
  readonly lines: TreeLine[];
  /** How far below its base chain each chain of the current hop is. */
  chains: Map<string, number>;
  /** The hook whose name was written last. */
  hook: string;
  readonly naming: Naming;
  /**
   * Branches that were drawn for a comparison, by their first node, with the endpoints (`own`) that got a general name.
   * Nested forks need the same branches again.
   */
  readonly compared: Map<NodeView, { readonly own: string; readonly lines: readonly TreeLine[] }>;
  /** How many nested forks so far depend on what the dumps do not show. */
  readonly doubts: number;
}
