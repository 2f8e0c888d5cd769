import { isAbsent } from '../../ruleset/absent.ts';
import { hasRules } from '../../ruleset/ruleset.ts';
import { refOf } from '../../simulate/state/place.ts';
import type { Finding, Findings } from './finding.ts';
import { kubeProxyModeOf, leftoverChains } from '../../kube-proxy/mode.ts';
import { CHAIN } from '../../kube-proxy/well-known.ts';

const finding = (
  id: Finding['id'],
  severity: Finding['severity'],
  reason: string,
  cure: string,
  more: Partial<Pick<Finding, 'ref' | 'exposures'>> = {},
): Finding => ({ id, severity, ref: null, exposures: [], reason, cure, ...more });

/** Rules of both flavours at work: each tool shows its own alone. */
export const bothIptables = ({ ruleset }: Findings): readonly Finding[] =>
  hasRules(ruleset, 'iptables-legacy') && hasRules(ruleset, 'iptables-nft')
    ? [
        finding(
          'both-iptables',
          'medium',
          'rules of both iptables flavours (legacy and nft) are in force: each tool shows and changes its own alone',
          'find out who uses the other flavour, and move everything to one (update-alternatives --config iptables)',
        ),
      ]
    : [];

/** Chains that another mode of kube-proxy left behind: they go on deciding until somebody removes them. */
export const leftoverMode = ({ ruleset }: Findings): readonly Finding[] => {
  const atWork = kubeProxyModeOf(ruleset);
  if (atWork === null) return [];
  return leftoverChains(ruleset, atWork).map(({ mode, chains }) =>
    finding(
      'leftover-mode',
      'medium',
      `kube-proxy runs in ${atWork} mode, and ${chains.length} chains of its ${mode} mode are still there (${chains
        .slice(0, 3)
        .map(({ name }) => name)
        .join(', ')})`,
      'kube-proxy --cleanup, or a reboot of the node',
    ),
  );
};

/** 127.0.0.0/8 as destination from outside: what listens on localhost is no longer only local (CVE-2020-8558). */
export const routeLocalnet = ({ ruleset }: Findings): readonly Finding[] => {
  const { sysctls } = ruleset.host;
  if (isAbsent(sysctls)) return [];
  const on = [...sysctls].filter(
    ([name, value]) => /^net\.ipv4\.conf\.[^.]+\.route_localnet$/.test(name) && value === '1',
  );
  const guarded = ruleset.tables.some(({ chains }) => (chains.get(CHAIN.firewall)?.rules.length ?? 0) > 0);
  return on.length === 0
    ? []
    : [
        finding(
          'route-localnet',
          guarded ? 'low' : 'high',
          `route_localnet is on (${on.map(([name]) => name.split('.')[3]).join(', ')}): neighbours on the same network can send packets to 127.0.0.0/8${guarded ? '; the chain KUBE-FIREWALL drops them' : ' and nothing drops them'}`,
          'kube-proxy --iptables-localhost-nodeports=false, then net.ipv4.conf.all.route_localnet=0',
        ),
      ];
};

/** Things that can take packets past the rules of this picture. */
export const datapathBypass = ({ ruleset }: Findings): readonly Finding[] =>
  ruleset.tables.flatMap((table) => [
    ...(table.flowtables ?? [])
      .filter(({ devices }) => devices.length > 0)
      .map(({ name, devices }) =>
        finding(
          'datapath-bypass',
          'medium',
          `the flowtable ${table.family} ${table.name} ${name} (${devices.join(', ')}) carries established connections past every rule`,
          'a revoke does not cut such connections: remove the flowtable, or end them with conntrack -D',
        ),
      ),
    ...[...table.chains.values()]
      .filter(
        ({ base, rules }) =>
          (base?.hook === 'ingress' || base?.hook === 'egress' || table.family === 'bridge') &&
          rules.length > 0 &&
          base !== null,
      )
      .map((chain) =>
        finding(
          'datapath-bypass',
          'low',
          `${table.family} ${table.name} ${chain.name} sees packets at ${chain.base?.hook}, before or beside the hooks of this picture: what it drops, answers or sends elsewhere is not shown`,
          'read it beside this audit',
          { ref: refOf({ kind: 'rule', table, chain, number: 1 }) },
        ),
      ),
  ]);
