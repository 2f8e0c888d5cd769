import type { Family } from '../../src/net/family.ts';
import { brackets, LAB_ADDRESSES, LAB_PORTS } from './lab-addresses.ts';
import type { Random } from './random.ts';

const NETS = {
  4: ['203.0.113.0/24', '198.51.100.0/30', '192.0.2.0/24', '10.244.0.0/16', '0.0.0.0/1'],
  6: ['2001:db8:203::/48', '2001:db8:198::/64', '2001:db8:0:2::/64', 'fd00:10:244::/56'],
} as const;

const RANGES = { 4: '203.0.113.7-203.0.113.30', 6: '2001:db8:203::7-2001:db8:203::30' } as const;

interface Place {
  readonly random: Random;
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly jumps: readonly string[];
  readonly l4: 'tcp' | 'udp';
  /** The kernel has IPVS. */
  readonly ipvs: boolean;
}

const anyAddress = ({ random, family }: Place): string => {
  const { own, pods, beyond, clients } = LAB_ADDRESSES[family];
  return random.pick<string>([...own, ...pods, ...beyond, ...clients]);
};

const anyNet = (place: Place): string =>
  place.random.once(2) ? place.random.pick<string>(NETS[place.family]) : anyAddress(place);

const not = (random: Random): string => (random.once(4) ? '! ' : '');

const MARKS = ['0x1/0x1', '0x100/0x100', '0x4000/0x4000', '0x0/0x4000', '0x1'] as const;

const ports = (random: Random): string => random.some(LAB_PORTS, 1 + random.below(3)).join(',');

/** Conditions that need `-p`. */
const withPorts = ({ random, l4 }: Place): string =>
  random.pick([
    () =>
      `-p ${l4} -m ${l4} ${not(random)}--dport ${random.pick<string | number>([...LAB_PORTS, '1:1023', '30000:32767'])}`,
    () => `-p ${l4} -m multiport ${not(random)}--dports ${ports(random)}`,
    () => `-p ${l4} -m multiport --ports ${ports(random)}`,
    () => `-p ${l4} -m multiport --sports 1024:20000`,
    () => `-p ${l4}`,
    ...(l4 === 'tcp'
      ? [() => '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN', () => `-p tcp -m tcp ${not(random)}--syn`]
      : []),
  ])();

const ICMP = { 4: '-p icmp -m icmp --icmp-type 8', 6: '-p ipv6-icmp -m icmp6 --icmpv6-type 128' } as const;

const isIn = (chain: string): boolean => chain === 'PREROUTING' || chain === 'INPUT';
const isOut = (chain: string): boolean => chain === 'OUTPUT' || chain === 'POSTROUTING';

const condition = (place: Place): string => {
  const { random, family, chain, l4 } = place;
  const set = `s${family}`;
  const kinds: readonly (() => string)[] = [
    () => `${not(random)}-s ${anyNet(place)}`,
    () => `${not(random)}-d ${anyNet(place)}`,
    () =>
      `-m conntrack ${not(random)}--ctstate ${random.pick(['NEW', 'INVALID', 'RELATED,ESTABLISHED', 'UNTRACKED', 'NEW,UNTRACKED', 'DNAT', 'SNAT,NEW'])}`,
    () => `-m conntrack ${not(random)}--ctorigdst ${anyNet(place)}`,
    () => `-m conntrack --ctorigdstport ${random.pick(LAB_PORTS)}`,
    () => `-m conntrack --ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
    () => `-m conntrack ${not(random)}--ctstatus ${random.pick(['CONFIRMED', 'SEEN_REPLY', 'ASSURED'])}`,
    () => `-m state --state ${random.pick(['NEW', 'ESTABLISHED', 'INVALID'])}`,
    () => `-m mark ${not(random)}--mark ${random.pick(MARKS)}`,
    () => `-m connmark ${not(random)}--mark ${random.pick(MARKS)}`,
    () =>
      `-m addrtype ${not(random)}--dst-type ${random.pick(['LOCAL', 'UNICAST', family === 4 ? 'LOCAL,BROADCAST' : 'LOCAL,ANYCAST'])}`,
    () => `-m addrtype ${not(random)}--src-type ${random.pick(['LOCAL', 'UNICAST'])}`,
    () => `-m iprange ${not(random)}--src-range ${RANGES[family]}`,
    () => `-m set ${not(random)}--match-set ${set}-net ${random.pick(['src', 'dst'])}`,
    () => `-m set ${not(random)}--match-set ${set}-ipport ${random.pick(['src,dst', 'dst,dst', 'dst,src'])}`,
    () => `-m set ${not(random)}--match-set ${set}-except ${random.pick(['src', 'dst'])}`,
    () => `-m set --match-set ${set}-ports dst`,
    () => `-m set --match-set ${set}-triple dst,dst,src`,
    () => `-m statistic --mode random ${not(random)}--probability ${random.pick(['0.33333333349', '0.5', '0.25'])}`,
    () => `-m statistic --mode nth --every 2 --packet 0`,
    () => `-m recent --rcheck --name seen --rsource`,
    () => `-m limit --limit 1000/sec`,
    () =>
      family === 4
        ? `-m ttl --ttl-${random.pick(['eq 64', 'lt 64', 'gt 63'])}`
        : `-m hl --hl-${random.pick(['eq 64', 'lt 64', 'gt 63'])}`,
    () => `-m length ${not(random)}--length ${random.pick(['28:48', '0:59'])}`,
    () => `-m pkttype --pkt-type unicast`,
    ...(isIn(chain) || chain === 'FORWARD'
      ? [() => `${not(random)}-i ${random.pick(['eth0', 'cni0', 'e+', 'lo'])}`]
      : []),
    ...(isOut(chain) || chain === 'FORWARD'
      ? [() => `${not(random)}-o ${random.pick(['eth0', 'cni0', 'c+', 'lo'])}`]
      : []),
    ...(isOut(chain)
      ? [() => `-m owner ${not(random)}--uid-owner ${random.pick(['0', '1000'])}`, () => `-m owner --socket-exists`]
      : []),
    ...(place.ipvs
      ? [
          () => `-m ipvs ${not(random)}--ipvs`,
          () => `-m ipvs --vaddr ${anyAddress(place)} --vport ${random.pick(LAB_PORTS)}`,
          () => `-m ipvs ${not(random)}--vmethod ${random.pick(['MASQ', 'GATE'])}`,
          () => `-m ipvs --vproto ${l4} --vdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
        ]
      : []),
    ...(chain === 'PREROUTING' && place.table !== 'nat'
      ? [() => `-m rpfilter ${random.pick(['', '--invert', '--loose'])}`]
      : []),
  ];
  return random.pick(kinds)();
};

const HOOK_NAT: ReadonlySet<string> = new Set(['PREROUTING', 'OUTPUT']);

/** A rewriting, with the `-p` that it needs. */
const rewriting = (place: Place): string => {
  const { random, family, chain, l4 } = place;
  const { own, pods } = LAB_ADDRESSES[family];
  const target = random.pick<string>([...pods, ...pods, ...own]);
  if (HOOK_NAT.has(chain))
    return random.pick([
      () => `-p ${l4} -j DNAT --to-destination ${brackets(target)}:${random.pick([8080, 443])}`,
      () => `-j DNAT --to-destination ${target}`,
      () => `-p ${l4} -j REDIRECT --to-ports ${random.pick([8080, 65_535])}`,
      () => `-j REDIRECT`,
      () => (family === 4 ? '-j NETMAP --to 10.244.1.0/24' : `-j DNAT --to-destination ${target}`),
    ])();
  if (chain === 'POSTROUTING')
    return random.pick([
      () => '-j MASQUERADE',
      () => '-j MASQUERADE --random-fully',
      () => `-j SNAT --to-source ${random.pick<string>(own)}`,
    ])();
  return `-j SNAT --to-source ${random.pick<string>(own)}`;
};

const target = (place: Place): string => {
  const { random, table, chain, jumps, family } = place;
  const to = jumps.length === 0 ? null : random.pick(jumps);
  const kinds: readonly (() => string)[] = [
    () => `-j ${random.pick(['ACCEPT', 'RETURN', ...(table === 'nat' ? [] : ['DROP'])])}`,
    () => (to === null ? '' : `-j ${to}`),
    () => (to === null ? '' : `-j ${to}`),
    () => (to === null ? '' : `-g ${to}`),
    () =>
      `-j MARK --set-xmark ${random.pick(['0x4000/0x4000', '0x100/0x100', '0x1/0xffffffff', '0x4000/0x0', '0x0/0x100'])}`,
    () =>
      `-j CONNMARK ${random.pick(['--set-xmark 0x1/0x1', '--save-mark --nfmask 0x4000 --ctmask 0x4000', '--restore-mark --nfmask 0x1 --ctmask 0x1'])}`,
    () => '',
    () => `-m recent --set --name seen --rsource`,
    ...(table === 'raw' && HOOK_NAT.has(chain) ? [() => '-j CT --notrack'] : []),
    ...(table === 'filter' && chain !== 'any'
      ? [
          () => '-j REJECT',
          () => `-j REJECT --reject-with ${family === 4 ? 'icmp-host-prohibited' : 'icmp6-adm-prohibited'}`,
        ]
      : []),
  ];
  return random.pick(kinds)();
};

const optionOf = (text: string): string | undefined => text.split(' ').find((word) => word !== '!');

const rule = (place: Place): string => {
  const { random, chain } = place;
  const isNat = place.table === 'nat' && chain !== 'any' && random.once(2);
  const last = isNat ? rewriting(place) : target(place);
  // An option without a module stands once in a rule.
  const conditions = Array.from({ length: random.below(3) }, () => condition(place)).filter(
    (text, index, all) =>
      text.startsWith('-m') || all.findIndex((other) => optionOf(other) === optionOf(text)) === index,
  );
  const protocol =
    last.startsWith('-p ') || random.once(2) ? [] : [random.once(6) ? ICMP[place.family] : withPorts(place)];
  return [`-A ${chain === 'any' ? '' : chain}`, ...protocol, ...conditions, last]
    .filter((word) => word !== '')
    .join(' ');
};

const CHAINS: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
};

/** Takes away what legacy iptables held: a policy that is not named stays, as do the tables. */
export const EMPTY_LEGACY = Object.entries(CHAINS)
  .map(([table, chains]) => `*${table}\n${chains.map((chain) => `:${chain} ACCEPT [0:0]\n`).join('')}COMMIT\n`)
  .join('');

/** The families and names of the tables of iptables-nft. */
export const IPTABLES_NFT_TABLES = ['ip', 'ip6'].flatMap((family) =>
  Object.keys(CHAINS).map((table) => [family, table] as const),
);

const tableText = (random: Random, family: Family, table: string, ipvs: boolean): string => {
  const builtIn = CHAINS[table] ?? [];
  const [leaves, subs] = [
    ['LEAF-0', 'LEAF-1'],
    ['SUB-0', 'SUB-1'],
  ];
  const lines = [`*${table}`];
  for (const chain of builtIn) lines.push(`:${chain} ${table !== 'nat' && random.once(15) ? 'DROP' : 'ACCEPT'} [0:0]`);
  for (const chain of [...leaves, ...subs]) lines.push(`:${chain} - [0:0]`);
  const add = (chain: string, count: number, jumps: readonly string[], isBuiltIn: boolean): void => {
    for (let index = 0; index < count; index++) {
      const place: Place = {
        random,
        family,
        table,
        chain: isBuiltIn ? chain : 'any',
        jumps,
        l4: random.pick(['tcp', 'tcp', 'udp']),
        ipvs,
      };
      lines.push(rule(place).replace(/^-A\s*/, `-A ${isBuiltIn ? '' : `${chain} `}`));
    }
  };
  for (const chain of builtIn) add(chain, random.below(5), [...subs, ...leaves], true);
  for (const chain of leaves) add(chain, 1 + random.below(2), [], false);
  for (const chain of subs) add(chain, 1 + random.below(3), leaves, false);
  return `${[...lines, 'COMMIT'].join('\n')}\n`;
};

/** Ipsets that the rules look into, as `ipset restore` reads them. */
const ipsets = (random: Random, family: Family): string => {
  const word = family === 4 ? 'inet' : 'inet6';
  const { own, pods, clients } = LAB_ADDRESSES[family];
  const name = `s${family}`;
  const address = (): string => random.pick<string>([...own, ...pods, ...clients]);
  const port = (): string => `${random.pick(['tcp', 'udp'])}:${random.pick(LAB_PORTS)}`;
  const [wide, inner] = family === 4 ? ['203.0.113.0/24', '203.0.113.7'] : ['2001:db8:203::/48', '2001:db8:203::7'];
  return [
    `create ${name}-net hash:net family ${word}`,
    ...random.some<string>(NETS[family].slice(0, 3), 2).map((net) => `add ${name}-net ${net}`),
    `create ${name}-ipport hash:ip,port family ${word}`,
    ...new Set(Array.from({ length: 4 }, () => `add ${name}-ipport ${address()},${port()}`)),
    `create ${name}-except hash:net family ${word}`,
    `add ${name}-except ${wide}`,
    `add ${name}-except ${inner} nomatch`,
    `create ${name}-ports bitmap:port range 1-65535`,
    ...random.some(LAB_PORTS, 2).map((one) => `add ${name}-ports ${one}`),
    `create ${name}-triple hash:ip,port,ip family ${word}`,
    ...new Set(Array.from({ length: 6 }, () => `add ${name}-triple ${address()},${port()},${address()}`)),
    '',
  ].join('\n');
};

/** Random tables of iptables, for iptables-restore and ip6tables-restore, and the ipsets that they need. */
export const randomIptables = (
  random: Random,
  ipvs = false,
): { readonly v4: string; readonly v6: string; readonly sets: string } => {
  const tables = random.some(['raw', 'mangle', 'nat', 'filter'], 2 + random.below(3));
  const text = (family: Family): string => tables.map((table) => tableText(random, family, table, ipvs)).join('');
  return { v4: text(4), v6: text(6), sets: ipsets(random, 4) + ipsets(random, 6) };
};
