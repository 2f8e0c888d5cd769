import type { TraceEvent, TracedHeader } from './nft-trace.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import type { AnyTable } from '../ruleset/table.ts';
import type { TableFamily } from '../ruleset/values/table-family.ts';

/** A visit of a base chain as the kernel told it. */
export interface KernelHop {
  readonly engine: TraceEvent['engine'];
  readonly family: TableFamily;
  readonly table: string;
  readonly chain: string;
  readonly header: TracedHeader | null;
  /** What told of the entry; null: legacy iptables has no such event. */
  readonly entered: TraceEvent | null;
  readonly events: readonly TraceEvent[];
}

/** The table that the kernel means: legacy iptables and nf_tables can hold one each of a name. */
export const tableOf = (
  { tables }: Ruleset,
  { engine, family, table }: Pick<KernelHop, 'engine' | 'family' | 'table'>,
): AnyTable | undefined =>
  tables.find(
    (one) => one.family === family && one.name === table && (one.engine === 'iptables-legacy') === (engine !== 'nft'),
  );

const BUILT_IN: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

/** Legacy iptables does not say where a visit begins: another table, or another built-in chain. */
const beginsHop = (event: TraceEvent, current: KernelHop | undefined): boolean =>
  event.engine === 'nft'
    ? event.event.kind === 'packet'
    : current === undefined ||
      current.engine !== event.engine ||
      current.table !== event.table ||
      (BUILT_IN.has(event.chain) && event.chain !== current.chain);

/** The events of one packet as visits of base chains; tables that `ignored` names (the tracer's own) are left out. */
export const kernelHops = (
  events: readonly TraceEvent[],
  ignored: (family: TableFamily, table: string) => boolean = () => false,
): readonly KernelHop[] => {
  const hops: (Omit<KernelHop, 'events'> & { readonly events: TraceEvent[] })[] = [];
  for (const event of events) {
    const { engine, family, table, chain, header } = event;
    if (ignored(family, table)) continue;
    const current = hops.at(-1);
    const isEntry = event.event.kind === 'packet';
    if (beginsHop(event, current) || current === undefined)
      hops.push({ engine, family, table, chain, header, entered: isEntry ? event : null, events: [] });
    if (!isEntry) hops.at(-1)?.events.push(event);
  }
  return hops;
};
