import { mustRun, removeNamespace } from './namespace.ts';

/** The machines outside and the pods are silent: they take everything and answer nothing. */
const SILENT = 'table inet silent { chain in { type filter hook input priority 0; policy drop; }; }';

const SETTINGS = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv4.icmp_ratelimit=0',
  'net.ipv6.icmp.ratelimit=0',
  ...['all', 'default', 'eth0', 'cni0'].map((link) => `net.ipv4.conf.${link}.rp_filter=0`),
  ...['all', 'eth0', 'cni0'].map((link) => `net.ipv4.conf.${link}.send_redirects=0`),
];

/** One end of each cable, with the neighbours that are behind it. */
const CABLES = [
  {
    place: 'out',
    device: 'eth0',
    own: '02:00:00:00:00:01',
    other: '02:00:00:00:00:02',
    neighbours: ['192.0.2.1', '192.0.2.50', '192.0.2.11', '2001:db8:0:2::1', '2001:db8:0:2::50'],
  },
  {
    place: 'pod',
    device: 'cni0',
    own: '02:00:00:00:00:03',
    other: '02:00:00:00:00:04',
    neighbours: [
      '10.244.1.64',
      '10.244.1.66',
      '10.244.1.99',
      'fd00:10:244:1::64',
      'fd00:10:244:1::66',
      'fd00:10:244:1::99',
    ],
  },
] as const;

/** Nobody answers ARP here: neighbours are written down. */
const NODE_LINES = [
  'addr add 192.0.2.10/24 dev eth0',
  'addr add 192.0.2.20/24 dev eth0',
  'addr add 10.244.1.1/24 dev cni0',
  'addr add 2001:db8:0:2::10/64 dev eth0 nodad',
  'addr add fd00:10:244:1::1/64 dev cni0 nodad',
  ...['lo', 'eth0', 'cni0'].map((device) => `link set ${device} up`),
  ...CABLES.flatMap(({ device, other, neighbours }) =>
    neighbours.map((address) => `neigh replace ${address} lladdr ${other} dev ${device}`),
  ),
  'route add 10.244.2.0/24 via 192.0.2.11 dev eth0',
  'route add unreachable 203.0.113.99/32',
  'route add blackhole 203.0.113.98/32',
  'route add prohibit 203.0.113.97/32',
];

/** By family: what does not tell it itself. */
const NODE_ROUTES = {
  '-4': [
    'route add default via 192.0.2.1 dev eth0',
    'route add default via 10.244.1.64 dev cni0 table 100',
    'rule add fwmark 0x100/0x100 lookup 100 priority 1000',
  ],
  '-6': [
    'route add default via 2001:db8:0:2::1 dev eth0',
    'route add unreachable 2001:db8:99::/48',
    'route add default via fd00:10:244:1::64 dev cni0 table 100',
    'rule add fwmark 0x100/0x100 lookup 100 priority 1000',
  ],
} as const;

const OTHER_GATEWAYS = { '-4': '169.254.0.1', '-6': 'fe80::1' } as const;
const FAMILIES = ['-4', '-6'] as const;

const batch = async (space: string, lines: readonly string[], family: '-4' | '-6' | null = null): Promise<void> => {
  await mustRun(['ip', ...(family === null ? [] : [family]), '-n', space, '-batch', '-'], `${lines.join('\n')}\n`);
};

/** Namespaces of a trace lab. */
interface TraceNetwork {
  readonly node: string;
  readonly outside: string;
  readonly pods: string;
  readonly close: () => Promise<void>;
}

/** A node between a machine outside and one that stands for its pods; the namespaces begin with `name`. */
export const traceNetwork = async (name: string): Promise<TraceNetwork> => {
  const node = `${name}-node`;
  const [outside, pods] = [`${name}-out`, `${name}-pod`];
  const spaces = [node, outside, pods];
  for (const space of spaces) {
    await removeNamespace(space);
    await mustRun(['ip', 'netns', 'add', space]);
  }
  await batch(
    node,
    CABLES.map(
      ({ place, device, own, other }) =>
        `link add ${device} address ${own} type veth peer name up0 address ${other} netns ${name}-${place}`,
    ),
  );
  await mustRun(['ip', 'netns', 'exec', node, 'sysctl', '-qw', ...SETTINGS]);
  await batch(node, NODE_LINES);
  for (const family of FAMILIES) await batch(node, NODE_ROUTES[family], family);
  for (const { place, own } of CABLES) {
    const space = `${name}-${place}`;
    await batch(space, ['link set up0 up', 'link set lo up', 'addr add 169.254.0.9/32 dev up0']);
    for (const family of FAMILIES) {
      const via = OTHER_GATEWAYS[family];
      const lines = [`neigh replace ${via} lladdr ${own} dev up0`, `route add default via ${via} dev up0 onlink`];
      await batch(space, lines, family);
    }
    await mustRun(['ip', 'netns', 'exec', space, 'nft', '-f', '-'], SILENT);
  }
  return {
    node,
    outside,
    pods,
    close: async () => {
      for (const space of spaces) await removeNamespace(space);
    },
  };
};
