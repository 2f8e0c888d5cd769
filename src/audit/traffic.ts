import { judgingMaps } from '../compile/installed.ts';
import { COUNTERS } from '../compile/names.ts';
import type { Table } from '../ruleset/table.ts';

/** Packets that came to one exposure's chain since it was made, and how many of them were refused. */
export interface Traffic {
  readonly judged: bigint;
  readonly refused: bigint;
}

/** Packets by exposure chain (`x-30001`): the maps count what is judged, the chain's own counter what it refuses. */
export const trafficOf = (table: Table): ReadonlyMap<string, Traffic> => {
  const judged = new Map<string, bigint>();
  for (const [name] of judgingMaps(table)) {
    const map = table.sets.get(name);
    if (map?.kind !== 'verdict-map') continue;
    for (const { verdict, counter } of map.elements)
      if ('chain' in verdict) judged.set(verdict.chain, (judged.get(verdict.chain) ?? 0n) + (counter?.packets ?? 0n));
  }
  return new Map(
    [...judged].map(([chain, packets]) => [
      chain,
      {
        judged: packets,
        refused: (table.chains.get(chain)?.rules ?? [])
          .flatMap(({ statements }) => statements)
          .reduce((sum, statement) => (statement.kind === 'counter' ? sum + statement.counter.packets : sum), 0n),
      },
    ]),
  );
};

/** The table's totals, in packets. */
export interface Totals {
  readonly refused: bigint;
  /** Refused and not in the ledger, because it was full. */
  readonly unnoted: bigint;
  /** Packets of servers to refused clients that were stopped. */
  readonly cut: bigint;
  /** Packets that Audit policies would refuse. */
  readonly wouldRefuse: bigint;
}

export const totalsOf = (table: Table): Totals => {
  const of = (name: string): bigint => table.counters.get(name)?.packets ?? 0n;
  return {
    refused: of(COUNTERS.refused),
    unnoted: of(COUNTERS.refused) - of(COUNTERS.noted),
    cut: of(COUNTERS.cut),
    wouldRefuse: of(COUNTERS.wouldRefuse),
  };
};
