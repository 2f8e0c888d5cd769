import { formatAddress, withPort } from '../net/address.ts';
import type { IptablesRule } from '../ruleset/iptables/rule.ts';
import type { AnyChain, AnyTable } from '../ruleset/table.ts';
import { isKubeProxyTable } from './chain-role.ts';

/** What the opaque names of one table's chains stand for. */
export interface ChainNames {
  /** `shop/frontend:http` of chains that belong to one Service port. */
  readonly services: ReadonlyMap<string, string>;
  /** `10.244.1.64:8080` of chains that lead to one endpoint. */
  readonly endpoints: ReadonlyMap<string, string>;
}

const NONE: ChainNames = { services: new Map(), endpoints: new Map() };

/**
 * Chains of one Service port in iptables mode (pkg/proxy/iptables/proxier.go): SVC, SVL, EXT, FW, and XLB of older
 * versions.
 */
const PER_SERVICE = /^KUBE-(?:SVC|SVL|EXT|FW|XLB)-[A-Z2-7]{16}$/;
const PER_ENDPOINT = /^KUBE-SEP-[A-Z2-7]{16}$/;

/** `shop/frontend:http cluster IP` and `shop/frontend:http loadbalancer IP` name the Service first. */
const nameInComment = (comment: string): string | null =>
  /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?(?::[-a-z0-9.]+)?)(?:\s|$)/.exec(comment)?.[1] ??
  null;

/** What an iptables rule says about itself; null: nothing. */
export const commentOf = (rule: IptablesRule): string | null => {
  for (const match of rule.matches) if (match.kind === 'comment') return match.text;
  return null;
};

/** Whether a chain is one Service port's, in iptables mode. */
export const isServiceChain = (chain: string): boolean => PER_SERVICE.test(chain);

const endpointOf = ({ rules }: AnyChain): string | null => {
  for (const rule of rules) {
    const target = rule.kind === 'iptables' ? rule.target : null;
    const to = target?.kind === 'nat' && target.how === 'dnat' ? target.to : null;
    if (to?.addresses == null) continue;
    const address = { family: to.addresses.family, value: to.addresses.first };
    return to.ports === null ? formatAddress(address) : withPort(address, to.ports.first);
  }
  return null;
};

/**
 * Names that the rules' comments give, handed on along the jumps: a chain that is only reached from one Service's chain
 * is that Service's.
 */
const iptablesNames = (chains: AnyTable['chains']): ChainNames => {
  const services = new Map<string, string>();
  const endpoints = new Map<string, string>();
  const leads: [from: string, to: string][] = [];
  for (const [name, chain] of chains) {
    if (PER_ENDPOINT.test(name)) {
      const endpoint = endpointOf(chain);
      if (endpoint !== null) endpoints.set(name, endpoint);
    }
    for (const rule of chain.rules) {
      if (rule.kind !== 'iptables') continue;
      const { target } = rule;
      if (target?.kind !== 'jump' && target?.kind !== 'goto') continue;
      if (PER_SERVICE.test(target.chain)) {
        const comment = commentOf(rule);
        const service = comment === null ? null : nameInComment(comment);
        if (service !== null && !PER_SERVICE.test(name)) services.set(target.chain, service);
        else if (PER_SERVICE.test(name)) leads.push([name, target.chain]);
      } else if (PER_ENDPOINT.test(target.chain)) leads.push([name, target.chain]);
    }
  }
  // EXT leads to SVC or SVL, these to SEP: two rounds carry a name to the end.
  for (let round = 0; round < 2; round++)
    for (const [from, to] of leads) {
      const service = services.get(from);
      if (service !== undefined && !services.has(to)) services.set(to, service);
    }
  return { services, endpoints };
};

/** `service-SFDBSQB2-shop/frontend/tcp/http` (pkg/proxy/nftables/proxier.go, servicePortChainName). */
const PER_SERVICE_NFT =
  /^(?:service|local|external|firewall|endpoint|affinity)-[A-Z2-7]{8}-([^/]+)\/([^/]+)\/(?:tcp|udp|sctp)\/([^/_]*)(?:__(.+)\/(\d+))?$/;

const nftNames = (names: Iterable<string>): ChainNames => {
  const services = new Map<string, string>();
  const endpoints = new Map<string, string>();
  for (const name of names) {
    const [, namespace, service, port, address, targetPort] = PER_SERVICE_NFT.exec(name) ?? [];
    if (namespace === undefined) continue;
    services.set(name, `${namespace}/${service}${port === '' ? '' : `:${port}`}`);
    // Colons of IPv6 are written as dots.
    if (address !== undefined) {
      const isV4 = /^\d+(\.\d+){3}$/.test(address);
      endpoints.set(name, isV4 ? `${address}:${targetPort}` : `[${address.replaceAll('.', ':')}]:${targetPort}`);
    }
  }
  return { services, endpoints };
};

const known = new WeakMap<AnyTable, ChainNames>();

/**
 * The Services and endpoints behind a table's chains, from comments, from the jumps between them, or from kube-proxy's
 * own chain names.
 */
export const chainNames = (table: AnyTable): ChainNames => {
  const remembered = known.get(table);
  if (remembered !== undefined) return remembered;
  const names =
    table.engine !== 'nft'
      ? iptablesNames(table.chains)
      : isKubeProxyTable(table)
        ? nftNames(table.chains.keys())
        : NONE;
  known.set(table, names);
  return names;
};

/**
 * Whether a chain has one rule for each endpoint, of which each asks by chance or by memory whether it is that one's
 * turn (iptables mode).
 */
export const hasRulePerEndpoint = (chain: string): boolean => /^KUBE-SV[CL]-/.test(chain);

/** A chain's name as people can read it: hashed names of nftables mode without what follows the hash. */
export const shortChain = (chain: string): string =>
  chain.replace(/^((?:service|local|external|firewall|endpoint)-[A-Z2-7]{8})-.*$/, '$1');

/**
 * What a name that belongs to one endpoint alone stands for: its chain, or a list or set that remembers its clients.
 */
export type EndpointName =
  /** `KUBE-SEP-3GZREHSJ2ZH62AXN`: the chain of iptables mode, and its list of recent clients. */
  | 'KUBE-SEP'
  /** `endpoint-SFDBSQB2-…`: the chain of nftables mode. */
  | 'endpoint'
  /** `affinity-SFDBSQB2-…`: the set of its clients in nftables mode. */
  | 'affinity';

/** Whether a name is one endpoint's, and of what; null: it is not. */
export const endpointName = (name: string): EndpointName | null => {
  if (name.startsWith('KUBE-SEP-')) return 'KUBE-SEP';
  const found = /^(endpoint|affinity)-[A-Z2-7]{8}/.exec(name)?.[1];
  return found === 'endpoint' || found === 'affinity' ? found : null;
};
