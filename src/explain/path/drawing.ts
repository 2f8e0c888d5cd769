import type { TreeLine } from '../words/tree-line.ts';
import type { Naming } from './naming.ts';
import type { NodeView, TraceView } from './trace-view.ts';

/** A tree that is being drawn. */
export interface Drawing {
  readonly view: TraceView;
  readonly lines: TreeLine[];
  /** How deep each chain of the present hop stands below its base chain. */
  chains: Map<string, number>;
  /** The hook whose name was written last. */
  hook: string;
  readonly naming: Naming;
  /**
   * Branches that were drawn to be compared, by their first node, and the endpoints (`own`) that were called in
   * general: forks in one another ask again.
   */
  readonly compared: Map<NodeView, { readonly own: string; readonly lines: readonly TreeLine[] }>;
  /** Forks that cannot be told from the dumps, one in the other so far. */
  readonly doubts: number;
}
