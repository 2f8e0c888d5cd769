import { isAbsent } from '../ruleset/absent.ts';
import type { Host } from '../ruleset/host.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import type { AnyChain, AnyTable } from '../ruleset/table.ts';
import { isKubeProxyTable } from './chain-role.ts';
import { isServiceChain } from './names.ts';
import { CHAIN, SERVICE_LINK } from './well-known.ts';

export type KubeProxyMode = 'iptables' | 'ipvs' | 'nftables';

/** The mode of kube-proxy, and of iptables mode the flavour in which it writes. */
export type KubeProxyVariant = Exclude<KubeProxyMode, 'iptables'> | 'iptables (nft)' | 'iptables (legacy)';

const isIptablesNat = ({ engine, name }: AnyTable): boolean => engine !== 'nft' && name === 'nat';

/** Whether the node has the link of ipvs mode, as far as its dumps tell. */
const hasServiceLink = ({ links, addresses }: Pick<Host, 'links' | 'addresses'>): boolean =>
  (!isAbsent(links) && links.some(({ name }) => name === SERVICE_LINK)) ||
  (!isAbsent(addresses) && addresses.some(({ link }) => link === SERVICE_LINK));

/** The mode whose rules a ruleset holds; null: no kube-proxy's. Leftovers of another mode may stand beside. */
export const kubeProxyModeOf = ({ tables, host, ipvs }: Ruleset): KubeProxyMode | null => {
  if (tables.some(isKubeProxyTable)) return 'nftables';
  const nat = tables.filter(isIptablesNat);
  const perService = nat.some(({ chains }) => [...chains.keys()].some(isServiceChain));
  if (hasServiceLink(host) || (!isAbsent(ipvs) && ipvs.length > 0 && !perService)) return 'ipvs';
  if (perService || nat.some(({ chains }) => chains.has(CHAIN.nodePorts))) return 'iptables';
  return nat.some(({ chains }) => chains.has(CHAIN.nodePort)) ? 'ipvs' : null;
};

const inUse = new WeakMap<Ruleset, boolean>();

/**
 * Whether ipvs mode is at work, as its link or its chain tells: then the node has virtual servers, whether or not a
 * dump lists them. Asked for each packet, so that the answer is kept.
 */
export const isIpvsInUse = (ruleset: Ruleset): boolean => {
  const known = inUse.get(ruleset);
  if (known !== undefined) return known;
  const found =
    hasServiceLink(ruleset.host) ||
    ruleset.tables.some((table) => isIptablesNat(table) && table.chains.has(CHAIN.nodePort));
  inUse.set(ruleset, found);
  return found;
};

/**
 * Chains of table nat that one mode alone makes. KUBE-NODEPORTS stands in table filter in iptables mode alone; in nat
 * either tells the mode.
 */
const CHAINS_OF = {
  iptables: /^KUBE-(?:NODEPORTS|SVC-|SEP-|EXT-)/,
  ipvs: /^KUBE-(?:NODE-PORT|LOAD-BALANCER|IPVS-)/,
} as const;

/** Chains with rules that a mode of kube-proxy other than the one at work has left behind, by that mode. */
export const leftoverChains = (
  { tables }: Ruleset,
  atWork: KubeProxyMode,
): readonly { readonly mode: keyof typeof CHAINS_OF; readonly chains: readonly AnyChain[] }[] =>
  (['iptables', 'ipvs'] as const).flatMap((mode) => {
    if (mode === atWork) return [];
    const chains = tables.flatMap((table) =>
      isIptablesNat(table)
        ? [...table.chains.values()].filter(({ name, rules }) => CHAINS_OF[mode].test(name) && rules.length > 0)
        : [],
    );
    return chains.length === 0 ? [] : [{ mode, chains }];
  });
