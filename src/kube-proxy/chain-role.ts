import type { AnyTable } from '../ruleset/table.ts';
import { KUBE_PROXY_TABLE } from './well-known.ts';

// What the chains are for: pkg/proxy/{iptables,ipvs,nftables}/proxier.go; pkg/kubelet/kubelet_network_linux.go.

/**
 * Chains of iptables and ipvs mode that a node has once. Of those with different jobs in several tables, the table is
 * part of the key.
 */
const IPTABLES = {
  'KUBE-SERVICES': 'find-service',
  'filter KUBE-SERVICES': 'refuse-without-endpoints',
  'KUBE-NODEPORTS': 'find-node-port',
  'filter KUBE-NODEPORTS': 'admit-health-checks',
  'KUBE-NODE-PORT': 'mark-node-ports',
  'filter KUBE-NODE-PORT': 'admit-health-checks',
  'KUBE-LOAD-BALANCER': 'mark-load-balancers',
  'KUBE-EXTERNAL-SERVICES': 'refuse-external-without-endpoints',
  'KUBE-PROXY-FIREWALL': 'refuse-by-source-ranges',
  'KUBE-SOURCE-RANGES-FIREWALL': 'admit-source-ranges',
  'KUBE-FIREWALL': 'refuse-localhost-sources',
  'KUBE-FORWARD': 'forward-services',
  'KUBE-POSTROUTING': 'masquerade-marked',
  'KUBE-MARK-MASQ': 'mark-masquerade',
  'KUBE-MARK-DROP': 'mark-drop',
  'KUBE-IPVS-FILTER': 'refuse-other-ports',
  'KUBE-IPVS-OUT-FILTER': 'refuse-by-source-ranges-out',
  'KUBE-PROXY-CANARY': 'canary',
  'KUBE-KUBELET-CANARY': 'canary',
  'KUBE-IPTABLES-HINT': 'flavour-hint',
} as const;

const NFT = {
  'filter-prerouting-pre-dnat': 'refuse-by-source-ranges',
  'filter-output-pre-dnat': 'same-for-node',
  'nat-prerouting': 'look-for-service',
  'nat-output': 'same-for-node',
  services: 'find-service-or-node-port',
  'firewall-check': 'look-for-source-ranges',
  'filter-input': 'refuse-without-endpoints',
  'filter-forward': 'refuse-without-endpoints',
  'filter-output': 'refuse-without-endpoints',
  'nodeport-endpoints-check': 'check-node-port-endpoints',
  'service-endpoints-check': 'check-service-endpoints',
  'cluster-ips-check': 'refuse-other-ports',
  'nat-postrouting': 'look-for-marked',
  masquerading: 'masquerade-marked',
  'mark-for-masquerade': 'mark-masquerade',
  'reject-chain': 'reject',
} as const;

/** Chains of one Service port, or of one of its endpoints: by what their names begin with. */
const PER_SERVICE_IPTABLES: readonly (readonly [prefix: string, role: ServiceRole])[] = [
  ['KUBE-EXT-', 'outside-traffic'],
  ['KUBE-SVC-', 'choose-endpoint'],
  ['KUBE-SVL-', 'choose-local-endpoint'],
  // The name of KUBE-EXT- before Kubernetes 1.24.
  ['KUBE-XLB-', 'outside-traffic'],
  ['KUBE-FW-', 'source-ranges'],
  ['KUBE-SEP-', 'endpoint'],
];

const PER_SERVICE_NFT: typeof PER_SERVICE_IPTABLES = [
  ['external-', 'outside-traffic'],
  ['service-', 'choose-endpoint'],
  ['local-', 'choose-local-endpoint'],
  ['firewall-', 'source-ranges'],
  ['endpoint-', 'endpoint'],
];

/** What a chain that a node has once does. */
export type SingleRole = (typeof IPTABLES)[keyof typeof IPTABLES] | (typeof NFT)[keyof typeof NFT];

/** What a chain of one Service port does. */
export type ServiceRole =
  'outside-traffic' | 'choose-endpoint' | 'choose-local-endpoint' | 'source-ranges' | 'endpoint';

export type ChainRole =
  { readonly kind: 'single'; readonly role: SingleRole } | { readonly kind: 'service'; readonly role: ServiceRole };

const entries = (roles: Readonly<Record<string, SingleRole>>): ReadonlyMap<string, ChainRole> =>
  new Map(Object.entries(roles).map(([name, role]) => [name, { kind: 'single', role }]));

const SINGLE_IPTABLES = entries(IPTABLES);
const SINGLE_NFT = entries(NFT);

const perService = (prefixes: typeof PER_SERVICE_IPTABLES, chain: string): ChainRole | null => {
  for (const [prefix, role] of prefixes) if (chain.startsWith(prefix)) return { kind: 'service', role };
  return null;
};

/** What a chain of kube-proxy or the kubelet is for; null: it is neither's, or of an unknown name. */
export const chainRole = ({ engine, name }: Pick<AnyTable, 'engine' | 'name'>, chain: string): ChainRole | null => {
  if (engine === 'nft')
    return name === KUBE_PROXY_TABLE ? (SINGLE_NFT.get(chain) ?? perService(PER_SERVICE_NFT, chain)) : null;
  if (!isKubernetesChain(chain)) return null;
  return (
    SINGLE_IPTABLES.get(`${name} ${chain}`) ?? SINGLE_IPTABLES.get(chain) ?? perService(PER_SERVICE_IPTABLES, chain)
  );
};

/** Whether a chain is of those that kube-proxy and the kubelet make in tables of others. */
export const isKubernetesChain = (chain: string): boolean => chain.startsWith('KUBE-');

/** Whether a table is kube-proxy's alone. */
export const isKubeProxyTable = ({ engine, name }: Pick<AnyTable, 'engine' | 'name'>): boolean =>
  engine === 'nft' && name === KUBE_PROXY_TABLE;

/** Whether kube-proxy or the kubelet writes a chain. */
export const isWrittenByKubernetes = (table: Pick<AnyTable, 'engine' | 'name'>, chain: string): boolean =>
  isKubeProxyTable(table) || isKubernetesChain(chain);

const SOURCE_RANGES =
  /^(?:KUBE-(?:PROXY-FIREWALL|FW-|SOURCE-RANGES-FIREWALL|LOAD-BALANCER-FW|IPVS-OUT-FILTER)|firewall-)/;

/** Whether a chain of kube-proxy refuses or admits by a Service's loadBalancerSourceRanges, in any mode. */
export const appliesSourceRanges = (chain: string): boolean => SOURCE_RANGES.test(chain);
