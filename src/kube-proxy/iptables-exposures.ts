import type { Family } from '../net/family.ts';
import type { ExposureKind } from '../policy/model.ts';
import type { IptablesRule } from '../ruleset/iptables/rule.ts';
import { familyOf } from '../ruleset/hook.ts';
import type { AnyTable } from '../ruleset/table.ts';
import { chainNames, commentOf } from './names.ts';
import { CHAIN } from './well-known.ts';
import { conditionsOf, eachPort } from '../lower/rule-conditions.ts';
import type { KubeProxyExposure } from './exposure.ts';

const COMMENT_KINDS: readonly (readonly [RegExp, ExposureKind])[] = [
  [/ loadbalancer IP$/, 'LoadBalancer'],
  [/ external IP$/, 'ExternalIP'],
];

const rulesOf = (table: AnyTable, chain: string): readonly IptablesRule[] =>
  (table.chains.get(chain)?.rules ?? []).flatMap((rule) => (rule.kind === 'iptables' ? [rule] : []));

const healthChecks = (table: AnyTable, family: Family): readonly KubeProxyExposure[] =>
  rulesOf(table, CHAIN.nodePorts).flatMap((rule) =>
    rule.target?.kind === 'accept'
      ? eachPort(conditionsOf(rule, family), (protocol, port) => ({
          kind: 'HealthCheck',
          family,
          protocol,
          port,
          address: null,
          service: (commentOf(rule) ?? '').split(' ')[0] ?? null,
        }))
      : [],
  );

/** `shop/empty has no endpoints`: refused in table filter; no rule of table nat knows the port. */
const withoutEndpoints = (table: AnyTable, family: Family): readonly KubeProxyExposure[] =>
  rulesOf(table, CHAIN.externalServices).flatMap((rule) => {
    const conditions = conditionsOf(rule, family);
    return eachPort(conditions, (protocol, port) => ({
      kind: conditions.destination === null ? 'NodePort' : 'LoadBalancer',
      family,
      protocol,
      port,
      address: conditions.destination,
      service: (commentOf(rule) ?? '').split(' ')[0] ?? null,
    }));
  });

/**
 * What one table of iptables mode tells: node ports, addresses of load balancers, health checks
 * (pkg/proxy/iptables/proxier.go).
 */
export const iptablesExposures = (table: AnyTable): readonly KubeProxyExposure[] => {
  if (table.engine === 'nft') return [];
  const family = familyOf(table.family);
  const { services } = chainNames(table);
  if (table.name === 'filter') return [...healthChecks(table, family), ...withoutEndpoints(table, family)];
  if (table.name !== 'nat') return [];
  const target = ({ target: to }: IptablesRule): string => (to?.kind === 'jump' || to?.kind === 'goto' ? to.chain : '');
  const nodePorts = rulesOf(table, CHAIN.nodePorts).flatMap((rule) =>
    eachPort(conditionsOf(rule, family), (protocol, port): KubeProxyExposure => ({
      kind: 'NodePort',
      family,
      protocol,
      port,
      address: null,
      service: services.get(target(rule)) ?? null,
    })),
  );
  const addresses = rulesOf(table, CHAIN.services).flatMap((rule) => {
    const kind = COMMENT_KINDS.find(([pattern]) => pattern.test(commentOf(rule) ?? ''))?.[1];
    const conditions = kind === undefined ? null : conditionsOf(rule, family);
    if (kind === undefined || conditions?.destination == null) return [];
    const { destination } = conditions;
    return eachPort(conditions, (protocol, port) => ({
      kind,
      family,
      protocol,
      port,
      address: destination,
      service: services.get(target(rule)) ?? null,
    }));
  });
  return [...nodePorts, ...addresses];
};
