import type { TraceEvent } from './nft-trace.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import { agreement, type Agreement } from './agreement.ts';
import type { OrderName } from '../simulate/host/hook-order.ts';
import { kernelHops, tableOf, type KernelHop } from './kernel-hops.ts';
import { mergedVisits } from './merge-visits.ts';
import type { PacketSet } from '../simulate/state/packet-set.ts';
import { simulate } from '../simulate/simulate.ts';

/** What the kernel told about one packet. */
interface Heard {
  readonly nft: readonly TraceEvent[];
  readonly legacy: readonly TraceEvent[];
  /** Why nothing was told of legacy iptables; null: it was heard. */
  readonly legacyMissing: string | null;
}

/** The packet's way as the kernel told it, and whether it is one of the simulated ones. */
interface Compared {
  readonly hops: readonly KernelHop[];
  readonly compared: Agreement;
}

const keyOf = ({ engine, family, table, chain }: OrderName): string => `${engine} ${family} ${table} ${chain}`;

/** The order of chains that a way shows. What it did not visit cannot have run before what it did. */
const orderOf = (ruleset: Ruleset, hops: readonly KernelHop[]): readonly OrderName[] => {
  const visited = hops.flatMap((hop): readonly OrderName[] => {
    const table = tableOf(ruleset, hop);
    return table === undefined
      ? []
      : [{ engine: table.engine, family: hop.family, table: hop.table, chain: hop.chain }];
  });
  const all = ruleset.tables.flatMap(({ engine, family, name, chains }) =>
    [...chains.values()].flatMap((chain) =>
      chain.base === null ? [] : [{ engine, family, table: name, chain: chain.name }],
    ),
  );
  const found = new Map<string, OrderName>();
  for (const name of [...visited, ...all]) if (!found.has(keyOf(name))) found.set(keyOf(name), name);
  return [...found.values()];
};

/**
 * Puts together what the kernel told, and compares it with the simulation, in the order of chains that it shows. Where
 * two chains could have run in either order, the one is taken that the simulation agrees with, or goes along with
 * furthest, unless `order` is known.
 */
export const compareWays = (
  ruleset: Ruleset,
  packet: PacketSet,
  { nft, legacy, legacyMissing }: Heard,
  order?: readonly OrderName[],
): Compared => {
  const untold = legacyMissing === null ? null : 'iptables-legacy';
  let best: Compared | null = null;
  for (const hops of mergedVisits(
    ruleset,
    packet,
    kernelHops(nft),
    legacyMissing === null ? kernelHops(legacy) : [],
    order,
  )) {
    const simulated = simulate(ruleset, packet, { order: order ?? orderOf(ruleset, hops) });
    const compared = agreement(simulated, hops, { partly: false, untold });
    if (compared.agrees) return { hops, compared };
    if (best === null || best.compared.agrees || compared.alike > best.compared.alike) best = { hops, compared };
  }
  return best ?? { hops: [], compared: { agrees: false, difference: 'the kernel told nothing', alike: 0 } };
};
