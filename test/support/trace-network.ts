import { mustRun, removeNamespace } from './namespace.ts';

/** The machines outside and the pods are silent: they take everything and answer nothing. */
const SILENT = 'table inet silent { chain in { type filter hook input priority 0; policy drop; }; }';

const NODE_ADDRESSES: readonly (readonly [string, string])[] = [
  ['eth0', '192.0.2.10/24'],
  ['eth0', '192.0.2.20/24'],
  ['cni0', '10.244.1.1/24'],
  ['eth0', '2001:db8:0:2::10/64'],
  ['cni0', 'fd00:10:244:1::1/64'],
];

/** Namespaces of a trace lab. */
export interface TraceNetwork {
  readonly node: string;
  readonly outside: string;
  readonly pods: string;
  readonly close: () => Promise<void>;
}

/** A node between a machine outside and one that stands for its pods; the namespaces begin with `name`. */
export const traceNetwork = async (name: string): Promise<TraceNetwork> => {
  const [node, outside, pods] = [`${name}-node`, `${name}-out`, `${name}-pod`];
  const spaces = [node, outside, pods];
  for (const space of spaces) {
    await removeNamespace(space);
    await mustRun(['ip', 'netns', 'add', space]);
  }
  const inside = (space: string, ...argv: readonly string[]) => mustRun(['ip', 'netns', 'exec', space, ...argv]);
  await inside(node, 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'up0', 'netns', outside);
  await inside(node, 'ip', 'link', 'add', 'cni0', 'type', 'veth', 'peer', 'name', 'up0', 'netns', pods);
  for (const [key, value] of [
    ['net.ipv4.ip_forward', '1'],
    ['net.ipv6.conf.all.forwarding', '1'],
    ['net.ipv4.icmp_ratelimit', '0'],
    ['net.ipv6.icmp.ratelimit', '0'],
    ['net.ipv4.conf.all.rp_filter', '0'],
    ['net.ipv4.conf.default.rp_filter', '0'],
    ['net.ipv4.conf.eth0.rp_filter', '0'],
    ['net.ipv4.conf.cni0.rp_filter', '0'],
    ['net.ipv4.conf.all.send_redirects', '0'],
    ['net.ipv4.conf.eth0.send_redirects', '0'],
    ['net.ipv4.conf.cni0.send_redirects', '0'],
  ] as const)
    await inside(node, 'sysctl', '-qw', `${key}=${value}`);
  for (const [device, address] of NODE_ADDRESSES)
    await inside(node, 'ip', 'addr', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []));
  for (const device of ['lo', 'eth0', 'cni0']) await inside(node, 'ip', 'link', 'set', device, 'up');
  for (const space of [outside, pods]) {
    await inside(space, 'ip', 'link', 'set', 'up0', 'up');
    await inside(space, 'ip', 'link', 'set', 'lo', 'up');
    await mustRun(['ip', 'netns', 'exec', space, 'nft', '-f', '-'], SILENT);
  }
  // Nobody answers ARP here: neighbours are written down.
  const mac = async (space: string, device: string): Promise<string> =>
    (JSON.parse(await inside(space, 'ip', '-j', 'link', 'show', device)) as { address: string }[])[0]?.address ?? '';
  const neighbours = async (device: string, space: string, addresses: readonly string[]) => {
    const hardware = await mac(space, 'up0');
    for (const address of addresses)
      await inside(node, 'ip', 'neigh', 'replace', address, 'lladdr', hardware, 'dev', device);
    const own = await mac(node, device);
    for (const [family, via] of [
      ['-4', '169.254.0.1'],
      ['-6', 'fe80::1'],
    ] as const) {
      await inside(space, 'ip', family, 'neigh', 'replace', via, 'lladdr', own, 'dev', 'up0');
      await inside(space, 'ip', family, 'route', 'add', 'default', 'via', via, 'dev', 'up0', 'onlink');
    }
  };
  await inside(outside, 'ip', 'addr', 'add', '169.254.0.9/32', 'dev', 'up0');
  await inside(pods, 'ip', 'addr', 'add', '169.254.0.9/32', 'dev', 'up0');
  await neighbours('eth0', outside, ['192.0.2.1', '192.0.2.50', '192.0.2.11', '2001:db8:0:2::1', '2001:db8:0:2::50']);
  await neighbours('cni0', pods, [
    '10.244.1.64',
    '10.244.1.66',
    '10.244.1.99',
    'fd00:10:244:1::64',
    'fd00:10:244:1::66',
    'fd00:10:244:1::99',
  ]);
  for (const route of [
    'route add default via 192.0.2.1 dev eth0',
    'route add 10.244.2.0/24 via 192.0.2.11 dev eth0',
    'route add unreachable 203.0.113.99/32',
    'route add blackhole 203.0.113.98/32',
    'route add prohibit 203.0.113.97/32',
    'route add default via 10.244.1.64 dev cni0 table 100',
    'rule add fwmark 0x100/0x100 lookup 100 priority 1000',
    '-6 route add default via 2001:db8:0:2::1 dev eth0',
    '-6 route add unreachable 2001:db8:99::/48',
    '-6 route add default via fd00:10:244:1::64 dev cni0 table 100',
    '-6 rule add fwmark 0x100/0x100 lookup 100 priority 1000',
  ])
    await inside(node, 'ip', ...route.split(' '));
  return {
    node,
    outside,
    pods,
    close: async () => {
      for (const space of spaces) await removeNamespace(space);
    },
  };
};
