import type { PortRange } from '../net/port.ts';
import type { Protocol } from '../net/protocol.ts';

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
