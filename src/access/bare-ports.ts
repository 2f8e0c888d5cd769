import { error, warning, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { formatPorts, type PortRange } from '../net/port.ts';
import { PROTOCOLS, type Protocol } from '../net/protocol.ts';
import type { Policy, PortItem, Service } from '../policy/model.ts';
import { selectsService } from './applies.ts';
import { policyName } from './evaluate.ts';
import { failsafesOf, permittedFailsafes, portsWithout, type Failsafe } from './failsafes.ts';
import type { AccessOptions } from './model.ts';
import { atOrigin } from '../policy/origin.ts';

/** Ports of one protocol that the same policies cover, whether a Service uses them or not. */
export interface BarePorts {
  readonly protocol: Protocol;
  readonly ports: PortRange;
  readonly policies: readonly Policy[];
}

interface Claim extends BarePorts {
  readonly policy: Policy;
}

/** The items by which a policy names ports without a Service. */
const itemsOf = (policy: Policy, standalone: boolean): readonly PortItem[] => {
  if (policy.kind === 'NodePortPolicy') return standalone ? (policy.ports ?? []) : [];
  return policy.subject.kind === 'ports' ? policy.subject.items : [];
};

/** Disjoint port ranges by the list of policies that cover them, without the failsafe ports. */
export const barePortsOf = (
  policies: readonly Policy[],
  services: readonly Service[],
  options: AccessOptions,
): { readonly ports: readonly BarePorts[]; readonly problems: readonly Diagnostic[] } => {
  const problems: Diagnostic[] = [];
  const failsafes = failsafesOf(options);
  const claims = policies.flatMap((policy) =>
    itemsOf(policy, options.standalone).flatMap((item) =>
      claimsOf(policy, item, usedElsewhere(policy, item, services), failsafes, options, problems),
    ),
  );
  return {
    ports: PROTOCOLS.flatMap((protocol) =>
      segments(
        protocol,
        claims.filter((claim) => claim.protocol === protocol),
      ),
    ),
    problems,
  };
};

/** The ports that an item leaves alone in one protocol, because Services use them in another. */
type UsedPorts = (protocol: Protocol) => readonly PortRange[];

/**
 * Without protocol, a port of a selected Service means the protocols that the Service uses there (DESIGN.md, "ports
 * items").
 */
const usedElsewhere = (policy: Policy, item: PortItem, services: readonly Service[]): UsedPorts => {
  if (policy.kind !== 'NodePortPolicy' || item.kind !== 'ports' || item.protocol !== null) return () => [];
  const used = services
    .filter((service) => selectsService(policy, service))
    .flatMap(({ ports }) =>
      ports.flatMap(({ nodePort, protocol }) => (nodePort === null ? [] : { nodePort, protocol })),
    );
  return (protocol) => {
    const here = new Set(used.filter((port) => port.protocol === protocol).map(({ nodePort }) => nodePort));
    return used
      .filter(({ nodePort }) => !here.has(nodePort))
      .map(({ nodePort }) => ({ first: nodePort, last: nodePort }));
  };
};

const claimsOf = (
  policy: Policy,
  item: PortItem,
  used: UsedPorts,
  failsafes: readonly Failsafe[],
  options: AccessOptions,
  problems: Diagnostic[],
): readonly Claim[] => {
  if (item.kind === 'name') {
    if (policy.kind === 'ClusterNodePortPolicy')
      problems.push(
        atOrigin(
          warning(
            'port-name-without-service',
            `the port name ${item.name} selects nothing here`,
            undefined,
            'subject.ports takes numbers; names belong to Services',
          ),
          item.origin,
        ),
      );
    return [];
  }
  const { ports } = item;
  const permitted = permittedFailsafes(policy, options);
  return (item.protocol === null ? PROTOCOLS : [item.protocol]).flatMap((protocol) => {
    const met = failsafes.filter(
      (safe) => safe.protocol === protocol && safe.ports.first <= ports.last && ports.first <= safe.ports.last,
    );
    const single = ports.first === ports.last;
    if (single && permitted.includes(ports.first)) return [{ protocol, ports, policies: [policy], policy }];
    for (const { what, ports: safe } of met)
      problems.push(
        atOrigin(
          single && item.protocol !== null
            ? error(
                'failsafe-port',
                `${formatPorts(ports, protocol)} is a failsafe port (${what})`,
                undefined,
                `A mistake here cuts you off; if you mean it, add --allow-failsafe ${ports.first}`,
              )
            : single
              ? error(
                  'failsafe-port',
                  `${formatPorts(ports, protocol)} is a failsafe port (${what})`,
                  undefined,
                  `A mistake here cuts you off; if you mean it, add --allow-failsafe ${ports.first}, or name another protocol`,
                )
              : warning(
                  'failsafe-passed-over',
                  `the range ${formatPorts(ports)} passes over ${formatPorts(safe, protocol)} (${what})`,
                  undefined,
                  'Name it as a single number with --allow-failsafe to guard it',
                ),
          item.origin,
        ),
      );
    return portsWithout(ports, [...met.map((safe) => safe.ports), ...used(protocol)]).map((rest) => ({
      protocol,
      ports: rest,
      policies: [policy],
      policy,
    }));
  });
};

/** Cuts the claims at each other's ends; neighbours with the same policies become one. */
const segments = (protocol: Protocol, claims: readonly Claim[]): readonly BarePorts[] => {
  const cuts = [...new Set(claims.flatMap(({ ports }) => [ports.first, ports.last + 1]))].sort((a, b) => a - b);
  const found: BarePorts[] = [];
  for (const [index, first] of cuts.entries()) {
    const next = cuts[index + 1];
    if (next === undefined) break;
    const policies = [
      ...new Set(claims.filter(({ ports }) => ports.first <= first && first <= ports.last).map(({ policy }) => policy)),
    ];
    if (policies.length === 0) continue;
    const before = found.at(-1);
    if (before !== undefined && before.ports.last === first - 1 && samePolicies(before.policies, policies))
      found[found.length - 1] = { protocol, policies, ports: { first: before.ports.first, last: next - 1 } };
    else found.push({ protocol, policies, ports: { first, last: next - 1 } });
  }
  return found;
};

const samePolicies = (a: readonly Policy[], b: readonly Policy[]): boolean =>
  a.length === b.length && a.every((policy) => b.includes(policy));

/** `shop/web` and the ports that it names without finding anything. */
export const unmatchedPorts = (policy: Policy, item: PortItem): Diagnostic =>
  atOrigin(
    warning(
      'port-selects-nothing',
      `${item.kind === 'name' ? `the port name ${item.name}` : `port ${formatPorts(item.ports, item.protocol)}`} of ${policyName(policy)} selects nothing`,
      undefined,
      item.kind === 'name'
        ? 'No selected Service has a port of this name'
        : 'No selected Service uses it; --standalone guards ports without Service',
    ),
    item.origin,
  );
