import { lower } from '../../lower/lower.ts';
import type { AnyRule, AnyTable } from '../../ruleset/table.ts';
import { isKubeProxyTable, isKubernetesChain } from '../../kube-proxy/chain-role.ts';
import { conditionsOf, eachPort } from '../../lower/rule-conditions.ts';
import { familyOf } from '../../ruleset/hook.ts';
import type { UnnamedExposure } from './found.ts';

const rewrites = (rule: AnyRule): boolean =>
  rule.kind === 'iptables'
    ? rule.target?.kind === 'nat' && (rule.target.how === 'dnat' || rule.target.how === 'redirect')
    : lower(rule).some((step) => step.kind === 'nat' && (step.how === 'dnat' || step.how === 'redirect'));

/** Rules that publish a port of the node by rewriting it: Docker's, a CNI's hostPorts, hand-made ones. */
export const ofDnat = (table: AnyTable): readonly UnnamedExposure[] => {
  if (table.engine === 'nft' ? isKubeProxyTable(table) || table.opaque === true : table.name !== 'nat') return [];
  const families = table.family === 'inet' ? ([4, 6] as const) : [familyOf(table.family)];
  return [...table.chains.values()].flatMap((chain) =>
    isKubernetesChain(chain.name)
      ? []
      : chain.rules.filter(rewrites).flatMap((rule) =>
          families.flatMap((family) => {
            const conditions = conditionsOf(rule, family);
            return eachPort(conditions, (protocol, port): UnnamedExposure => ({
              kind: 'HostPort',
              family,
              protocol,
              port,
              address: conditions.destination,
              service: null,
              from: 'DNAT rule',
            }));
          }),
        ),
  );
};
