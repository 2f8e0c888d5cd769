import type { Table } from '../../ruleset/table.ts';

/** What a table costs the kernel. */
export interface Estimate {
  /** Address ranges and map keys. */
  readonly elements: number;
  readonly chains: number;
  readonly sets: number;
}

/** Counts what a compiled table holds. */
export const estimateOf = ({ chains, sets }: Table): Estimate => ({
  elements: [...sets.values()].reduce((sum, set) => {
    switch (set.kind) {
      case 'addresses':
        return sum + set.intervals.length;
      case 'verdict-map':
      case 'elements':
      case 'data-map':
        return sum + set.elements.length;
      case 'dynamic':
      case 'opaque':
        return sum;
    }
  }, 0),
  chains: chains.size,
  sets: sets.size,
});
