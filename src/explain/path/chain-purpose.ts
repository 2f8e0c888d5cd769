import { readOwnName, TABLE, type OwnName } from '../../compile/table/names.ts';
import { chainNames } from '../../kube-proxy/names.ts';
import type { AnyTable } from '../../ruleset/table.ts';

// What the chains of kube-proxy and its neighbours are for (pkg/proxy/{iptables,ipvs,nftables}/proxier.go; pkg/kubelet/kubelet_network_linux.go).

/** Of chains that stand in several tables with different jobs, the table is part of the key. */
const IPTABLES: Readonly<Record<string, string>> = {
  'KUBE-SERVICES': 'finds the Service that the packet is for',
  'filter KUBE-SERVICES': 'refuses what is for a Service without endpoints',
  'KUBE-NODEPORTS': 'finds the node port that the packet is for',
  'filter KUBE-NODEPORTS': 'lets in the health checks of load balancers',
  'KUBE-NODE-PORT': 'marks node port packets to be masqueraded',
  'filter KUBE-NODE-PORT': 'lets in the health checks of load balancers',
  'KUBE-LOAD-BALANCER': 'marks load balancer packets to be masqueraded',
  'KUBE-EXTERNAL-SERVICES': 'refuses what is for a node port or external address without endpoints',
  'KUBE-PROXY-FIREWALL': 'refuses what a load balancer’s source ranges leave out',
  'KUBE-SOURCE-RANGES-FIREWALL': 'lets in the source ranges of load balancers',
  'KUBE-FIREWALL': 'refuses packets that claim to come from 127.0.0.0/8',
  'KUBE-FORWARD': 'lets forwarded packets of Services pass',
  'KUBE-POSTROUTING': 'masquerades what was marked for it',
  'KUBE-MARK-MASQ': 'marks the packet (0x4000) to be masqueraded',
  'KUBE-MARK-DROP': 'marks the packet (0x8000) to be dropped',
  'KUBE-IPVS-FILTER': 'refuses what is for a Service address but no Service port',
  'KUBE-IPVS-OUT-FILTER': 'refuses what a load balancer’s source ranges leave out, from this node',
  'KUBE-PROXY-CANARY': 'is there to notice that somebody flushed the tables',
  'KUBE-KUBELET-CANARY': 'is there to notice that somebody flushed the tables',
  'KUBE-IPTABLES-HINT': 'tells which flavour of iptables the kubelet uses',
  'DOCKER-USER': 'holds the administrator’s own rules in front of Docker’s',
};

const PREFIXES: readonly (readonly [RegExp, string])[] = [
  [/^KUBE-EXT-/, 'outside traffic of'],
  [/^KUBE-SVC-/, 'chooses an endpoint of'],
  [/^KUBE-SVL-/, 'chooses an endpoint on this node of'],
  [/^KUBE-XLB-/, 'outside traffic of'],
  [/^KUBE-FW-/, 'the source ranges of'],
  [/^KUBE-SEP-/, 'rewrites to an endpoint of'],
];

const NFT: Readonly<Record<string, string>> = {
  'filter-prerouting-pre-dnat': 'refuses what a load balancer’s source ranges leave out',
  'filter-output-pre-dnat': 'the same for packets of this node',
  'nat-prerouting': 'looks for the Service that the packet is for',
  'nat-output': 'the same for packets of this node',
  services: 'finds the Service or node port that the packet is for',
  'firewall-check': 'looks for source ranges of load balancers',
  'filter-input': 'refuses what is for a Service without endpoints',
  'filter-forward': 'refuses what is for a Service without endpoints',
  'filter-output': 'refuses what is for a Service without endpoints',
  'nodeport-endpoints-check': 'refuses node ports without endpoints',
  'service-endpoints-check': 'refuses Services without endpoints',
  'cluster-ips-check': 'refuses what is for a Service address but no Service port',
  'nat-postrouting': 'looks for what must be masqueraded',
  masquerading: 'masquerades what was marked for it',
  'mark-for-masquerade': 'marks the packet (0x4000) to be masqueraded',
  'reject-chain': 'refuses with an answer',
};

const NFT_PREFIXES: readonly (readonly [RegExp, string])[] = [
  [/^external-/, 'outside traffic of'],
  [/^service-/, 'chooses an endpoint of'],
  [/^local-/, 'chooses an endpoint on this node of'],
  [/^firewall-/, 'the source ranges of'],
  [/^endpoint-/, 'rewrites to an endpoint of'],
];

const OWN: Readonly<Record<OwnName['kind'], string>> = {
  prerouting: 'judges who may reach a guarded port, before any rewriting',
  postrouting: 'stops packets of servers to clients that were revoked',
  'refuse-drop': 'refuses without an answer',
  'refuse-reject': 'refuses with an answer',
  note: 'counts and notes who is refused',
  'note-audit': 'counts and notes whom Audit policies would refuse',
  local: 'judges who may reach this port',
  vip: 'judges who may reach this address and port',
  allow: 'lets in whom the policies let in',
  group: 'lets in the addresses of an AddressGroup',
  refuse: 'refuses some with an answer',
  audit: 'looks for those whom Audit policies would refuse',
  replies: 'judges packets of the servers of this port',
  'allow-replies': 'lets packets out to whom the policies let in',
  'group-replies': 'lets packets out to the addresses of an AddressGroup',
};

const ownPurpose = (chain: string): string | null => {
  const own = readOwnName(chain);
  if (own === null) return null;
  const several = own.kind === 'local' && own.ports.first !== own.ports.last;
  return several ? 'judges who may reach these ports' : OWN[own.kind];
};

/** What a chain is for, in words that follow its name; null where nothing is known about it. */
export const chainPurpose = (table: AnyTable, chain: string): string | null => {
  if (table.engine === 'nft' && table.name === TABLE.name) return ownPurpose(chain);
  const isNft = table.engine === 'nft';
  if (isNft && table.name !== 'kube-proxy') return null;
  const known = isNft ? NFT[chain] : (IPTABLES[`${table.name} ${chain}`] ?? IPTABLES[chain]);
  if (known !== undefined) return known;
  const { services, endpoints } = chainNames(table);
  const prefix = (isNft ? NFT_PREFIXES : PREFIXES).find(([pattern]) => pattern.test(chain))?.[1];
  if (prefix === undefined) return null;
  const service = services.get(chain) ?? 'a Service';
  const endpoint = endpoints.get(chain);
  return endpoint === undefined ? `${prefix} ${service}` : `${prefix} ${service}: ${endpoint}`;
};

/** A chain's name as people can read it: kube-proxy's hashed names without what follows the hash. */
export const shortChain = (chain: string): string =>
  chain.replace(/^((?:service|local|external|firewall|endpoint)-[A-Z2-7]{8})-.*$/, '$1');
