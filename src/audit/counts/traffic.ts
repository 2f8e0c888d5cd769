import { judgingMaps } from '../../compile/table/installed.ts';
import { COUNTERS } from '../../compile/table/names.ts';
import { countedBy } from '../../compile/table/treatment.ts';
import type { Table } from '../../ruleset/table.ts';

/** Packets that came to one exposure's chain since it was made, and how many of them were refused. */
export interface Traffic {
  readonly judged: bigint;
  readonly refused: bigint;
}

/**
 * Packets by exposure chain (`x-30001`): the maps of ports and VIPs count what is judged, chains what they refuse,
 * those of ranges also what they judge.
 */
export const trafficOf = (table: Table): ReadonlyMap<string, Traffic> => {
  const traffic = new Map<string, { judged: bigint; refused: bigint }>();
  for (const [name] of judgingMaps(table)) {
    const map = table.sets.get(name);
    if (map?.kind !== 'verdict-map') continue;
    for (const { verdict, counter } of map.elements)
      if ('chain' in verdict) {
        const sums = traffic.get(verdict.chain) ?? { judged: 0n, refused: 0n };
        sums.judged += counter?.packets ?? 0n;
        traffic.set(verdict.chain, sums);
      }
  }
  for (const [chain, sums] of traffic)
    for (const rule of table.chains.get(chain)?.rules ?? [])
      for (const statement of rule.statements)
        if (statement.kind === 'counter') sums[countedBy(rule)] += statement.counter.packets;
  // A key that went and came back within a second counts from zero, its chain goes on.
  for (const sums of traffic.values()) if (sums.judged < sums.refused) sums.judged = sums.refused;
  return traffic;
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
