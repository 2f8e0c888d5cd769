import type { Family } from '../../net/family.ts';
import { coversFamily } from '../../ruleset/hook.ts';
import { lower } from '../../lower/lower.ts';
import type { AnyChain, AnyTable } from '../../ruleset/table.ts';
import { refOf } from '../../simulate/state/place.ts';
import type { Finding, Findings } from './finding.ts';
import { isKubeProxyTable, isWrittenByKubernetes } from '../../kube-proxy/chain-role.ts';
import { kubeProxyModeOf } from '../../kube-proxy/mode.ts';
import { CHAIN } from '../../kube-proxy/well-known.ts';
import { conditionsOf } from '../../lower/rule-conditions.ts';

/** Chains of network plugins and of Docker. */
const PROGRAMS = /^(?:cali-|CILIUM|FLANNEL|CNI-|DOCKER)/;

const isOthers = (table: AnyTable, chain: AnyChain): boolean =>
  !PROGRAMS.test(chain.name) &&
  !isWrittenByKubernetes(table, chain.name) &&
  !(table.engine === 'nft' && table.name === 'portcullis');

/** Chains of a table that packets of a base chain can come to. */
const reachableFrom = (table: AnyTable, base: AnyChain): readonly AnyChain[] => {
  const found = new Set<AnyChain>([base]);
  for (const chain of found)
    for (const rule of chain.rules)
      for (const step of lower(rule))
        if (step.kind === 'verdict' && 'chain' in step.verdict) {
          const next = table.chains.get(step.verdict.chain);
          if (next !== undefined) found.add(next);
        }
  return [...found];
};

const decides = (rule: AnyChain['rules'][number]): boolean =>
  lower(rule).some(
    (step) =>
      (step.kind === 'verdict' && ['accept', 'drop', 'reject'].includes(step.verdict.kind)) || step.kind === 'nat',
  );

const rangesText = (ports: readonly number[]): string =>
  ports.length > 4 ? `${ports.slice(0, 4).join(', ')} and ${ports.length - 4} more` : ports.join(', ');

/** Node ports that a rule names, of the exposures whose packets are rewritten before the input hook. */
const nodePortsIn = ({ audited }: Findings, rule: AnyChain['rules'][number], family: Family) => {
  const { protocol, ports } = conditionsOf(rule, family);
  if (ports === null) return [];
  const hit = audited.filter(
    ({ exposure, parts }) =>
      exposure.kind === 'NodePort' &&
      exposure.family === family &&
      (protocol === null || exposure.protocol === protocol) &&
      ports.some(({ first, last }) => first <= exposure.port && exposure.port <= last) &&
      parts.some(({ result }) => result === 'delivered'),
  );
  return [...new Map(hit.map(({ exposure }) => [exposure.id, exposure])).values()];
};

/**
 * Rules at the input hook that name a node port: in iptables and nftables mode its packets have another destination by
 * then.
 */
export const neverSeesNodePorts = (findings: Findings): readonly Finding[] => {
  const mode = kubeProxyModeOf(findings.ruleset);
  if (mode !== 'iptables' && mode !== 'nftables') return [];
  return findings.ruleset.tables.flatMap((table) =>
    [...table.chains.values()]
      .filter(({ base }) => base?.hook === 'input')
      .flatMap((base) => reachableFrom(table, base))
      .filter((chain) => isOthers(table, chain))
      .flatMap((chain) =>
        chain.rules.flatMap((rule, index): Finding[] => {
          if (!decides(rule)) return [];
          const family: Family = coversFamily(table.family, 4) ? 4 : 6;
          const exposures = nodePortsIn(findings, rule, family);
          if (exposures.length === 0) return [];
          return [
            {
              id: 'rule-never-sees-node-ports',
              severity: 'high',
              ref: refOf({ kind: 'rule', table, chain, number: index + 1 }),
              exposures: exposures.map(({ id }) => id),
              reason: `this rule never sees packets to node port ${rangesText(exposures.map(({ port }) => port))}: kube-proxy has rewritten their destination to a pod's before the input hook, and they are forwarded`,
              cure: `portcullis restrict ${exposures[0]?.port} --from CIDR, or a rule before nat/PREROUTING`,
            },
          ];
        }),
      ),
  );
};

/**
 * Rules of nat/PREROUTING behind kube-proxy's jump: the first rule that rewrites ends the nat chains for the
 * connection.
 */
export const behindKubeProxy = (findings: Findings): readonly Finding[] =>
  findings.ruleset.tables.flatMap((table) => {
    if (table.engine === 'nft' || table.name !== 'nat') return [];
    const family: Family = table.family === 'ip6' ? 6 : 4;
    const chain = table.chains.get('PREROUTING');
    if (chain === undefined) return [];
    const jump = chain.rules.findIndex((rule) =>
      lower(rule).some(
        (step) => step.kind === 'verdict' && 'chain' in step.verdict && step.verdict.chain === CHAIN.services,
      ),
    );
    if (jump === -1) return [];
    return chain.rules.flatMap((rule, index): Finding[] => {
      if (index <= jump || !decides(rule)) return [];
      const exposures = nodePortsIn(findings, rule, family);
      return exposures.length === 0
        ? []
        : [
            {
              id: 'rule-behind-kube-proxy',
              severity: 'high',
              ref: refOf({ kind: 'rule', table, chain, number: index + 1 }),
              exposures: exposures.map(({ id }) => id),
              reason: `this rule stands behind kube-proxy's jump (rule ${jump + 1}), which rewrites packets to node port ${rangesText(exposures.map(({ port }) => port))} first: it decides nothing for them`,
              cure: `put it in front: iptables -t nat -I PREROUTING 1 …, or use portcullis restrict`,
            },
          ];
    });
  });

/** A nat chain at kube-proxy's own hook and priority runs before or after it, whichever was registered last. */
export const samePriority = ({ ruleset, audited }: Findings): readonly Finding[] => {
  const kube = ruleset.tables.filter(isKubeProxyTable);
  return kube.flatMap((own) =>
    [...own.chains.values()].flatMap((chain) => {
      const { base } = chain;
      if (base?.type !== 'nat' || base.hook !== 'prerouting') return [];
      const family: Family = own.family === 'ip6' ? 6 : 4;
      return ruleset.tables.flatMap((table) =>
        table === own || !coversFamily(table.family, family)
          ? []
          : [...table.chains.values()].flatMap((other): Finding[] => {
              if (
                other.base?.type !== 'nat' ||
                other.base.hook !== 'prerouting' ||
                other.base.priority !== base.priority
              )
                return [];
              const number = other.rules.findIndex((rule) =>
                lower(rule).some((step) => step.kind === 'nat' || step.kind === 'verdict'),
              );
              if (number === -1) return [];
              return [
                {
                  id: 'same-priority',
                  severity: 'high',
                  ref: refOf({ kind: 'rule', table, chain: other, number: number + 1 }),
                  exposures: [
                    ...new Set(
                      audited
                        .filter(({ exposure }) => exposure.family === family && exposure.kind === 'NodePort')
                        .map(({ exposure }) => exposure.id),
                    ),
                  ],
                  reason: `${table.name} ${other.name} is attached to the same hook and priority (${base.priority}) as kube-proxy's ${chain.name}: the one that was registered last runs first, so a restart of kube-proxy can make these rules void without a word`,
                  cure: 'judge before priority -100, as portcullis does (-140)',
                },
              ];
            }),
      );
    }),
  );
};
