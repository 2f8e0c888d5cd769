import type { Access, ExposureAccess } from '../../access/model.ts';
import { totalsOf, trafficOf, type Totals } from '../../audit/counts/traffic.ts';
import { exposureChain } from '../../compile/table/names.ts';
import type { Table } from '../../ruleset/table.ts';
import { everyone, isNobody, type AddressSet } from '../../net/address-set.ts';
import { groupByFate, groupByPorts, type ExposureGroup } from './exposure-groups.ts';
import { grouped } from '../words/number-words.ts';
import { describeSources } from '../words/sources.ts';

/** What `status` says about some exposures that are guarded alike. */
export interface StatusRow {
  readonly group: ExposureGroup;
  readonly title: string;
  readonly exposure: ExposureAccess;
  readonly exposures: readonly string[];
  readonly policies: readonly string[];
  readonly allowed: string;
  readonly sources: AddressSet;
  readonly audited: boolean;
  /**
   * Packets since the chain was made, all protocols of these ports together; null: not counted, or shown in another
   * row.
   */
  readonly packetsAllowed: bigint | null;
  readonly packetsRefused: bigint | null;
}

const MOST_PREFIXES = 3;

/** One row per ports and selection. `table`: what the kernel lists. */
export const statusRows = (access: Access, table: Table | null, mostPrefixes = MOST_PREFIXES): readonly StatusRow[] => {
  const traffic = table === null ? new Map<string, never>() : trafficOf(table);
  const told = new Set<string>();
  const items = access.exposures.map((exposure) => ({ exposure }));
  return groupByPorts(items, ({ exposure }) => `${exposure.selection} ${exposure.service}`).map(
    ({ group }): StatusRow => {
      const { exposure } = group;
      const selection = exposure.selection === null ? undefined : access.selections.get(exposure.selection);
      const chain = exposureChain(exposure.address, exposure.ports);
      const counts = selection === undefined || told.has(chain) ? undefined : traffic.get(chain);
      told.add(chain);
      const sources = selection?.allowed ?? everyone;
      return {
        group,
        title: group.title,
        exposure,
        exposures: group.members.map(({ id }) => id),
        policies: selection?.policies ?? [],
        allowed: describeSources(sources, mostPrefixes),
        sources,
        audited: selection !== undefined && !(isNobody(selection.wouldRefuse) && isNobody(selection.wouldAdmit)),
        packetsAllowed: counts === undefined ? null : counts.judged - counts.refused,
        packetsRefused: counts?.refused ?? null,
      };
    },
  );
};

/** More than this many ports under one selection are one line of `status`. */
const MANY_PORTS = 20;

const sum = (counts: readonly (bigint | null)[]): bigint | null =>
  counts.reduce((all, one) => (one === null ? all : (all ?? 0n) + one), null);

/** Rows for people. Many ports that the same policies guard become one row, with the sum of their counts. */
export const shortRows = (rows: readonly StatusRow[]): readonly (StatusRow & { readonly services: string })[] => {
  const bySelection = Map.groupBy(rows, ({ exposure }) => exposure.selection);
  const isMany = ({ exposure }: StatusRow): boolean => (bySelection.get(exposure.selection)?.length ?? 0) > MANY_PORTS;
  const own = (row: StatusRow) => ({ ...row, services: row.exposure.service ?? '-' });
  const many = groupByFate(rows.filter(isMany), ({ exposure }) => exposure.selection ?? 'open').map(({ title, of }) => {
    const [first] = of;
    const services = new Set(of.flatMap(({ exposure }) => exposure.service ?? []));
    return {
      ...first,
      title,
      services: services.size === 1 ? [...services].join('') : `${grouped(services.size)} Services`,
      packetsAllowed: sum(of.map((row) => row.packetsAllowed)),
      packetsRefused: sum(of.map((row) => row.packetsRefused)),
    };
  });
  return [...rows.filter((row) => !isMany(row)).map(own), ...many];
};

/** Zeroes where there is no table. */
export const totals = (table: Table | null): Totals =>
  table === null ? { refused: 0n, unnoted: 0n, cut: 0n, wouldRefuse: 0n } : totalsOf(table);

/**
 * `ClusterNodePortPolicy restrict-30001` → `restrict-30001`. Cluster policies and others do not share names in
 * practice; `wide` shows the kind.
 */
export const shortPolicy = (identity: string): string => identity.slice(identity.indexOf(' ') + 1);
