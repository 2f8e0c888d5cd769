import type { Family } from '../../src/net/family.ts';
import type { Protocol } from '../../src/net/protocol.ts';
import { brackets, LAB_ADDRESSES, LAB_PORTS } from './lab-addresses.ts';
import type { Random } from './random.ts';

/** Addresses of services, on the link that kube-proxy makes for them. */
const SERVICE_ADDRESSES = {
  4: ['10.96.0.10', '192.0.2.200'],
  6: ['fd00:10:96::a', '2001:db8:0:2::c8'],
} as const;

/** What the node of a trace lab is given before it balances anything, as `ip -batch` reads it. */
export const IPVS_LINES = [
  'link add kube-ipvs0 type dummy',
  ...SERVICE_ADDRESSES[4].map((address) => `addr add ${address}/32 dev kube-ipvs0`),
  ...SERVICE_ADDRESSES[6].map((address) => `addr add ${address}/128 dev kube-ipvs0 nodad`),
].join('\n');

/** Where a service is asked for. */
export interface Asked {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
}

const SCHEDULERS = [
  'rr',
  'rr',
  'wrr',
  'lc',
  'wlc',
  'sh',
  'dh',
  'sed',
  'nq',
  'mh',
  'fo',
  'ovf',
  'twos',
  'lblc',
  'lblcr',
] as const;

/** Servers elsewhere: on another node, outside, and where the routes refuse. */
const FAR = {
  4: ['10.244.2.21', '10.244.2.21', '198.51.100.5', '203.0.113.99'],
  6: ['2001:db8:1::5', '2001:db8:99::1'],
} as const;

/** The servers of a service, without their protocol and its own address. */
const servers = (random: Random, service: string, family: Family, port: number): readonly string[] => {
  const { pods, own } = LAB_ADDRESSES[family];
  const pool = [...pods, ...pods, ...FAR[family], random.pick<string>(own)];
  const chosen = [...new Set(random.some<string>(pool, random.below(5)))];
  return chosen.map((address) => {
    // Direct routing leaves the packet as it is, its port too.
    const [how, at] = random.once(8) ? ['-g', port] : ['-m', port === 0 ? 0 : random.pick([8080, 443, 5353])];
    return `-a ${service} -r ${brackets(address)}:${at} ${how} -w ${random.pick([0, 1, 1, 1, 2, 3])}`;
  });
};

const OPTION: Readonly<Record<Protocol, string>> = { tcp: '-t', udp: '-u', sctp: '--sctp-service' };

/** A service at an address and a port; port 0, which must be persistent, is every port that no other service has. */
const service = (random: Random, { family, protocol, address, port }: Asked): readonly string[] => {
  const at = `${OPTION[protocol]} ${brackets(address)}:${port}`;
  const persistent = port === 0 || random.once(6) ? ' -p 10800' : '';
  const once = protocol === 'udp' && persistent === '' && random.once(6) ? ' -o' : '';
  return [`-A ${at} -s ${random.pick(SCHEDULERS)}${persistent}${once}`, ...servers(random, at, family, port)];
};

/** A service for the packets with a mark. */
const marked = (random: Random, family: Family): readonly string[] => {
  const name = `-f ${random.pick([1, 0x100, 0x4000])}${family === 6 ? ' -6' : ''}`;
  return [`-A ${name} -s ${random.pick(SCHEDULERS)}`, ...servers(random, name, family, 80)];
};

/** Random services for `ipvsadm --restore`, where to ask for them, and the settings that they depend on. */
export const randomIpvs = (
  random: Random,
): { readonly text: string; readonly asked: readonly Asked[]; readonly settings: readonly string[] } => {
  const asked = new Map<string, Asked>();
  for (let count = 4 + random.below(6); count > 0; count--) {
    const family = random.once(3) ? 6 : 4;
    const address = random.pick<string>([
      ...SERVICE_ADDRESSES[family],
      ...SERVICE_ADDRESSES[family],
      ...LAB_ADDRESSES[family].own,
    ]);
    const port = random.once(10) ? 0 : random.pick(LAB_PORTS);
    const one: Asked = { family, protocol: random.pick(['tcp', 'tcp', 'tcp', 'udp', 'udp', 'sctp']), address, port };
    asked.set(`${one.protocol} ${address} ${port}`, one);
  }
  const services = [...asked.values()].flatMap((one) => service(random, one));
  const byMark = random.once(4) ? marked(random, random.once(3) ? 6 : 4) : [];
  return {
    text: `${[...services, ...byMark].join('\n')}\n`,
    asked: [...asked.values()],
    // kube-proxy sets the first to 1 (pkg/proxy/ipvs/proxier.go).
    settings: [`net.ipv4.vs.conntrack=${random.once(3) ? 0 : 1}`],
  };
};
