import type { Family } from '../../net/family.ts';
import type { ExposureKind } from '../../policy/model.ts';
import type { IptablesRule } from '../../ruleset/iptables/rule.ts';
import type { AnyTable, Chain } from '../../ruleset/table.ts';
import { chainNames, commentOf } from '../../kube-proxy/names.ts';
import { conditionsOf } from '../../lower/rule-conditions.ts';
import { each, familyOf, type Found } from './found.ts';

const COMMENT_KINDS: readonly (readonly [RegExp, ExposureKind])[] = [
  [/ loadbalancer IP$/, 'LoadBalancer'],
  [/ external IP$/, 'ExternalIP'],
];

const rulesOf = (table: AnyTable, chain: string): readonly IptablesRule[] =>
  (table.chains.get(chain) as Chain<IptablesRule> | undefined)?.rules ?? [];

const healthChecks = (table: AnyTable, family: Family): readonly Found[] =>
  rulesOf(table, 'KUBE-NODEPORTS').flatMap((rule) =>
    rule.target?.kind === 'accept'
      ? each(conditionsOf(rule, family), (protocol, port) => ({
          kind: 'HealthCheck',
          family,
          protocol,
          port,
          address: null,
          service: (commentOf(rule) ?? '').split(' ')[0] ?? null,
          from: 'kube-proxy',
        }))
      : [],
  );

/** `shop/empty has no endpoints`: refused in table filter; no rule of table nat knows the port. */
const withoutEndpoints = (table: AnyTable, family: Family): readonly Found[] =>
  rulesOf(table, 'KUBE-EXTERNAL-SERVICES').flatMap((rule) => {
    const conditions = conditionsOf(rule, family);
    return each(conditions, (protocol, port) => ({
      kind: conditions.destination === null ? 'NodePort' : 'LoadBalancer',
      family,
      protocol,
      port,
      address: conditions.destination,
      service: (commentOf(rule) ?? '').split(' ')[0] ?? null,
      from: 'kube-proxy',
    }));
  });

/** Rules of kube-proxy's iptables mode: node ports, addresses of load balancers, health checks (pkg/proxy/iptables/proxier.go). */
export const ofIptables = (table: AnyTable): readonly Found[] => {
  const family = familyOf(table);
  const { services } = chainNames(table);
  if (table.name === 'filter') return [...healthChecks(table, family), ...withoutEndpoints(table, family)];
  if (table.name !== 'nat') return [];
  const target = ({ target: to }: IptablesRule): string => (to?.kind === 'jump' || to?.kind === 'goto' ? to.chain : '');
  const nodePorts = rulesOf(table, 'KUBE-NODEPORTS').flatMap((rule) =>
    each(conditionsOf(rule, family), (protocol, port) => ({
      kind: 'NodePort',
      family,
      protocol,
      port,
      address: null,
      service: services.get(target(rule)) ?? null,
      from: 'kube-proxy',
    })),
  );
  const addresses = rulesOf(table, 'KUBE-SERVICES').flatMap((rule) => {
    const kind = COMMENT_KINDS.find(([pattern]) => pattern.test(commentOf(rule) ?? ''))?.[1];
    const conditions = kind === undefined ? null : conditionsOf(rule, family);
    if (kind === undefined || conditions?.destination == null) return [];
    const { destination } = conditions;
    return each(conditions, (protocol, port) => ({
      kind,
      family,
      protocol,
      port,
      address: destination,
      service: services.get(target(rule)) ?? null,
      from: 'kube-proxy',
    }));
  });
  return [...nodePorts, ...addresses];
};
