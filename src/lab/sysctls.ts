import type { Place } from './place.ts';

const ROUTERS: readonly Place[] = ['router', 'node-1', 'node-2'];

/**
 * Kernel settings of a place, as `key = value`, which must be set before it has interfaces
 * (Documentation/networking/ip-sysctl.rst). All of them are listed, because a new namespace inherits some IPv4 settings
 * from the host.
 */
export const sysctlsOf = (place: Place): readonly string[] => [
  // An address cannot be used while it is checked for duplicates, which would cost seconds.
  ...both('net.ipv6.conf', 'accept_dad = 0'),
  ...both('net.ipv6.conf', 'router_solicitations = 0'),
  ...both('net.ipv4.conf', 'rp_filter = 0'),
  ...both('net.ipv4.conf', 'send_redirects = 0'),
  // "Refused" is an ICMP message for many packets. Many of them must not turn it into silence.
  'net.ipv4.icmp_ratelimit = 0',
  'net.ipv4.icmp_ratemask = 0',
  'net.ipv6.icmp.ratelimit = 0',
  'net.ipv4.ip_local_port_range = 32768 60999',
  ...(ROUTERS.includes(place) ? ['net.ipv4.ip_forward = 1', ...both('net.ipv6.conf', 'forwarding = 1')] : []),
  // A pod's answer to another pod on the same bridge must pass conntrack. Otherwise the Service address would never be
  // put back.
  `net.bridge.bridge-nf-call-iptables = ${place === 'router' ? 0 : 1}`,
  `net.bridge.bridge-nf-call-ip6tables = ${place === 'router' ? 0 : 1}`,
];

const both = (tree: string, setting: string): string[] =>
  ['all', 'default'].map((scope) => `${tree}.${scope}.${setting}`);
