import type { PortRange } from '../net/port.ts';
import type { Protocol } from '../net/protocol.ts';
import type { Policy, PortItem } from '../policy/model.ts';
import type { AccessOptions } from './model.ts';

/** Ports that a range never covers, because a typing error there cuts the administrator or the cluster off. */
export interface Failsafe {
  readonly protocol: Protocol;
  readonly ports: PortRange;
  readonly what: string;
}

const failsafe = (protocol: Protocol, first: number, what: string, last: number = first): Failsafe => ({
  protocol,
  ports: { first, last },
  what,
});

export const FAILSAFES: readonly Failsafe[] = [
  failsafe('tcp', 22, 'SSH'),
  failsafe('tcp', 179, 'BGP'),
  failsafe('tcp', 2379, 'etcd', 2380),
  failsafe('tcp', 6443, 'the API server'),
  failsafe('tcp', 10250, 'the kubelet'),
  failsafe('udp', 68, 'DHCP'),
  failsafe('udp', 546, 'DHCPv6'),
  failsafe('udp', 4789, 'VXLAN'),
  failsafe('udp', 6081, 'Geneve'),
  failsafe('udp', 8472, 'VXLAN (Flannel)'),
  failsafe('udp', 51820, 'WireGuard', 51821),
];

/** The failsafe ports of a node: those of every node, and the real ports of the kubelet and the API server. */
export const failsafesOf = ({ extraFailsafes }: Pick<AccessOptions, 'extraFailsafes'>): readonly Failsafe[] => [
  ...FAILSAFES,
  ...extraFailsafes.map((extra) => ({ ...extra, what: 'the kubelet or the API server' })),
];

/** The failsafe that a port of the node is; null: none. */
export const failsafeAt = (failsafes: readonly Failsafe[], protocol: Protocol, port: number): Failsafe | null =>
  failsafes.find((safe) => safe.protocol === protocol && safe.ports.first <= port && port <= safe.ports.last) ?? null;

/** The failsafe ports that a policy may judge after all, where it names them as single numbers. */
export const permittedFailsafes = (policy: Policy, { allowFailsafe }: AccessOptions): readonly number[] => [
  ...allowFailsafe,
  ...(policy.kind === 'ClusterNodePortPolicy' ? policy.allowFailsafePorts : []),
];

/** Whether one item is this very number, in this protocol or in all. */
export const isNumber = (item: PortItem, port: number, protocol: Protocol): boolean =>
  item.kind === 'ports' &&
  item.ports.first === port &&
  item.ports.last === port &&
  (item.protocol === null || item.protocol === protocol);

/** What remains of `ports` without `holes`, upwards. */
export const portsWithout = (ports: PortRange, holes: readonly PortRange[]): readonly PortRange[] => {
  const rest: PortRange[] = [];
  let next = ports.first;
  for (const hole of [...holes].sort((a, b) => a.first - b.first)) {
    if (hole.last < next || hole.first > ports.last) continue;
    if (hole.first > next) rest.push({ first: next, last: hole.first - 1 });
    next = hole.last + 1;
  }
  return next <= ports.last ? [...rest, { first: next, last: ports.last }] : rest;
};
