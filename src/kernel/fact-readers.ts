import * as z from 'zod';

const parse = <T>(schema: z.ZodType<T>, text: string): T | null => {
  try {
    const checked = schema.safeParse(JSON.parse(text));
    return checked.success ? checked.data : null;
  } catch {
    return null;
  }
};

/** `nftables v1.0.6 (Lester Gooch #5)` → [1, 0, 6]; `6.1.0-28-amd64` → [6, 1, 0]. */
export const readVersion = (text: string): readonly number[] =>
  (/(\d+(?:\.\d+)+)/.exec(text)?.[1] ?? '0').split('.').map(Number);

const links = z.array(z.object({ ifname: z.string(), xdp: z.unknown().optional() }));

/** Interfaces of `ip -j link show`, with whether an XDP program is attached. */
export const readLinks = (json: string): readonly { readonly name: string; readonly xdp: boolean }[] =>
  (parse(links, json) ?? []).map(({ ifname, xdp }) => ({ name: ifname, xdp: xdp !== undefined }));

const DATAPLANES = [
  [/\b(cil_from_(?:netdev|host)\S*|bpf_(?:netdev|host)\S*\.o\S*)/, "Cilium's eBPF dataplane"],
  [/\b(cali_tc_preamble\S*|calico_from_(?:host|wep)\S*|cali_\S+)/, "Calico's eBPF dataplane"],
] as const;

/** Known service dataplanes in the output of `tc filter show dev LINK ingress`. */
export const readDataplanePrograms = (text: string, link: string): readonly string[] =>
  DATAPLANES.flatMap(([pattern, name]) => {
    const program = pattern.exec(text)?.[1];
    return program === undefined ? [] : [`${name} (${program} on ${link})`];
  });

const flowtables = z.object({
  nftables: z.array(
    z.object({
      flowtable: z
        .object({
          family: z.string(),
          table: z.string(),
          name: z.string(),
          dev: z.union([z.string(), z.array(z.string())]).optional(),
        })
        .optional(),
    }),
  ),
});

/** Flowtables of `nft -j list flowtables` that have a device. */
export const readFlowtables = (json: string): readonly string[] =>
  (parse(flowtables, json)?.nftables ?? []).flatMap(({ flowtable }) => {
    const devices = [flowtable?.dev ?? []].flat();
    return flowtable === undefined || devices.length === 0
      ? []
      : [`${flowtable.family} ${flowtable.table} ${flowtable.name} (${devices.join(', ')})`];
  });

const chains = z.object({
  nftables: z.array(
    z.object({
      chain: z
        .object({
          family: z.string(),
          table: z.string(),
          name: z.string(),
          hook: z.string().optional(),
          prio: z.number().optional(),
        })
        .optional(),
    }),
  ),
});

/** Connection tracking runs at -200 (NF_IP_PRI_CONNTRACK, include/uapi/linux/netfilter_ipv4.h). */
const CONNTRACK_PRIORITY = -200;

/** A chain as `nft -j list chains` tells it; `hook` and `prio` for base chains. */
export interface ListedChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string | undefined;
  readonly prio?: number | undefined;
}

/** The chains of `nft -j list chains`. */
export const readChains = (json: string): readonly ListedChain[] =>
  (parse(chains, json)?.nftables ?? []).flatMap(({ chain }) => (chain === undefined ? [] : [chain]));

/** Base chains that run in front of connection tracking. */
export const rawBaseChains = (listed: readonly ListedChain[]): readonly ListedChain[] =>
  listed.filter(({ hook, prio = 0 }) => (hook === 'prerouting' || hook === 'output') && prio < CONNTRACK_PRIORITY);

const tables = z.object({
  nftables: z.array(
    z.object({
      metainfo: z.object({ version: z.string() }).optional(),
      table: z.object({ family: z.string(), name: z.string() }).optional(),
    }),
  ),
});

/** nft's own version and the tables of `nft -j list tables`; null: it is no such answer. */
export const readTables = (
  json: string,
): { readonly version: readonly number[]; readonly tables: readonly string[] } | null => {
  const listed = parse(tables, json)?.nftables;
  const version = listed?.find(({ metainfo }) => metainfo !== undefined)?.metainfo?.version;
  return listed === undefined || version === undefined
    ? null
    : {
        version: readVersion(version),
        tables: listed.flatMap(({ table }) => (table === undefined ? [] : [`${table.family} ${table.name}`])),
      };
};

/** Chains of an `iptables-save -t raw` whose rules take packets from connection tracking (iptables-extensions(8), CT and NOTRACK). */
export const readNotrackChains = (text: string, tool: string): readonly string[] => [
  ...new Set(
    text
      .split('\n')
      .flatMap((line) =>
        /-j (NOTRACK\b|CT\b.*--notrack)/.test(line) ? [`${tool.replace('-save', '')} raw ${line.split(' ')[1]}`] : [],
      ),
  ),
];
