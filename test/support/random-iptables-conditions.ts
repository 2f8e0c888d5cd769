import { LAB_PORTS } from './lab-addresses.ts';
import { anyAddress, anyNet, MARKS, not, ports, RANGES, type Place } from './random-iptables-place.ts';
import { oneOf, type Forms } from './random.ts';

type Conditions = Forms<Place>;

const isIn = (chain: string): boolean => chain === 'PREROUTING' || chain === 'INPUT';
const isOut = (chain: string): boolean => chain === 'OUTPUT' || chain === 'POSTROUTING';

/** A protocol, and conditions that need it. */
export const withPorts = ({ random, l4 }: Place): string =>
  random.pick([
    () =>
      `-p ${l4} -m ${l4} ${not(random)}--dport ${random.pick<string | number>([...LAB_PORTS, '1:1023', '30000:32767'])}`,
    () => `-p ${l4} -m ${l4} --sport 1024:20000`,
    () => `-p ${l4} -m multiport ${not(random)}--dports ${ports(random)}`,
    () => `-p ${l4} -m multiport --ports ${ports(random)}`,
    () => `-p ${l4} -m multiport --sports 1024:20000`,
    () => `${not(random)}-p ${l4}`,
    ...(l4 === 'tcp'
      ? [
          () => '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN',
          () => `-p tcp -m tcp ${not(random)}--syn`,
          () => `-p tcp -m tcp ${not(random)}--tcp-option 2`,
        ]
      : []),
  ])();

const NO_PORTS = {
  4: ['-p icmp -m icmp --icmp-type 8', '-p icmp -m icmp ! --icmp-type 8/0', '-p icmp', '-p ah -m ah --ahspi 1:9'],
  6: ['-p ipv6-icmp -m icmp6 --icmpv6-type 128', '-p ipv6-icmp', '-p esp -m esp --espspi 1:9'],
} as const;

/** A protocol without ports. */
export const withoutPorts = ({ random, family }: Place): string => random.pick<string>(NO_PORTS[family]);

const OF_HEADERS: Conditions = (place) => {
  const { random, family } = place;
  return [
    () => `${not(random)}-s ${anyNet(place)}`,
    () => `${not(random)}-d ${anyNet(place)}`,
    () => `-m iprange ${not(random)}--${random.pick(['src', 'dst'])}-range ${RANGES[family]}`,
    () =>
      family === 4
        ? `-m ttl --ttl-${random.pick(['eq 64', 'lt 64', 'gt 63'])}`
        : `-m hl --hl-${random.pick(['eq 64', 'lt 64', 'gt 63'])}`,
    () => `-m length ${not(random)}--length ${random.pick(['28:48', '0:59'])}`,
    () => `-m dscp ${not(random)}--dscp ${random.pick(['0x00', '0x08'])}`,
    () => `-m pkttype ${not(random)}--pkt-type ${random.pick(['unicast', 'broadcast', 'multicast'])}`,
    () =>
      family === 4
        ? `${not(random)}-f`
        : `-m ${random.pick(['frag --fragid 1', 'hbh --hbh-len 8', 'dst --dst-len 8', 'rt --rt-type 0'])}`,
    () => '-m u32 --u32 "0x0&0xf=0x5"',
  ];
};

const OF_CONNECTIONS: Conditions = (place) => {
  const { random, l4 } = place;
  const states = ['NEW', 'INVALID', 'RELATED,ESTABLISHED', 'UNTRACKED', 'NEW,UNTRACKED', 'DNAT', 'SNAT,NEW'] as const;
  return [
    () => `-m conntrack ${not(random)}--ctstate ${random.pick(states)}`,
    () => `-m conntrack --ctstate ${random.pick(states)} ${not(random)}--ctproto ${l4}`,
    () =>
      `-m conntrack ${not(random)}--ct${random.pick(['origsrc', 'origdst', 'replsrc', 'repldst'])} ${anyNet(place)}`,
    () =>
      `-m conntrack ${not(random)}--ct${random.pick(['origsrc', 'origdst', 'replsrc', 'repldst'])}port ${random.pick<string | number>([...LAB_PORTS, '1024:20000'])}`,
    () => `-m conntrack --ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
    () => `-m conntrack ${not(random)}--ctstatus ${random.pick(['CONFIRMED', 'SEEN_REPLY', 'ASSURED', 'NONE'])}`,
    () => `-m conntrack --ctexpire 1:10000`,
    () => `-m state --state ${random.pick(['NEW', 'ESTABLISHED', 'INVALID', 'UNTRACKED'])}`,
    () => `-m mark ${not(random)}--mark ${random.pick(MARKS)}`,
    () => `-m connmark ${not(random)}--mark ${random.pick(MARKS)}`,
  ];
};

const OF_SETS: Conditions = ({ random, family }) => {
  const set = `s${family}`;
  const side = (): string => random.pick(['src', 'dst']);
  return [
    () => `-m set ${not(random)}--match-set ${set}-net ${side()}`,
    () => `-m set ${not(random)}--match-set ${set}-ip ${side()}`,
    () => `-m set ${not(random)}--match-set ${set}-ipport ${random.pick(['src,dst', 'dst,dst', 'dst,src'])}`,
    () => `-m set ${not(random)}--match-set ${set}-netport ${side()},dst`,
    () => `-m set ${not(random)}--match-set ${set}-netif ${side()},src`,
    () => `-m set ${not(random)}--match-set ${set}-ipportnet dst,dst,src`,
    () => `-m set ${not(random)}--match-set ${set}-except ${side()} ${random.pick(['', '--return-nomatch'])}`,
    () => `-m set ${not(random)}--match-set ${set}-ports dst`,
    () => `-m set ${not(random)}--match-set ${set}-triple dst,dst,src`,
    () => `-m set ${not(random)}--match-set ${set}-several ${side()}`,
    () => `-m set ${not(random)}--match-set ${set}-added src`,
    ...(family === 4 ? [() => `-m set ${not(random)}--match-set s4-bits ${side()}`] : []),
  ];
};

const OF_PLACES: Conditions = (place) => {
  const { random, family, chain, table } = place;
  const forwards = chain === 'FORWARD';
  const type = (): string => random.pick(['LOCAL', 'UNICAST', family === 4 ? 'LOCAL,BROADCAST' : 'LOCAL,ANYCAST']);
  return [
    () => `-m addrtype ${not(random)}--dst-type ${type()}`,
    () => `-m addrtype ${not(random)}--src-type ${random.pick(['LOCAL', 'UNICAST'])}`,
    ...(isIn(chain) || forwards
      ? [
          () => `${not(random)}-i ${random.pick(['eth0', 'cni0', 'e+', 'lo'])}`,
          () => `-m addrtype ${not(random)}--dst-type ${type()} --limit-iface-in`,
          () => `-m mac ${not(random)}--mac-source ${random.pick(['02:00:00:00:00:02', '02:00:00:00:00:04'])}`,
        ]
      : []),
    ...(isOut(chain) || forwards
      ? [
          () => `${not(random)}-o ${random.pick(['eth0', 'cni0', 'c+', 'lo'])}`,
          () => `-m addrtype ${not(random)}--src-type ${type()} --limit-iface-out`,
        ]
      : []),
    () =>
      `-m physdev ${random.pick(['--physdev-is-bridged', '! --physdev-is-bridged', '! --physdev-is-in', ...(isOut(chain) ? [] : ['--physdev-in veth+', '! --physdev-in cni0'])])}`,
    ...(chain === 'PREROUTING' && table !== 'nat' && table !== 'filter'
      ? [
          () =>
            `-m rpfilter ${random.pick(['', '--invert', '--loose', '--loose --invert', '--validmark', '--accept-local'])}`,
        ]
      : []),
  ];
};

const OF_SOCKETS: Conditions = ({ random, chain, table }) => [
  ...(isOut(chain)
    ? [
        () => `-m owner ${not(random)}--${random.pick(['uid', 'gid'])}-owner ${random.pick(['0', '1000', '1-999'])}`,
        () => `-m owner ${not(random)}--socket-exists`,
      ]
    : []),
  ...(isIn(chain) && table !== 'nat'
    ? [() => `-m socket ${random.pick(['', '--transparent', '--nowildcard', '--nowildcard --restore-skmark'])}`]
    : []),
];

const OF_CHANCE: Conditions = ({ random, family }) => [
  () => `-m statistic --mode random ${not(random)}--probability ${random.pick(['0.33333333349', '0.5', '0.25'])}`,
  () => `-m statistic --mode nth ${not(random)}--every 2 --packet ${random.pick([0, 1])}`,
  () =>
    `-m recent ${not(random)}--${random.pick(['rcheck', 'update', 'remove', 'rcheck --seconds 60 --hitcount 2'])} --name seen --${random.pick(['rsource', 'rdest'])}`,
  () => `-m limit --limit ${random.pick(['1000/sec', '1/min --limit-burst 1'])}`,
  () =>
    `-m hashlimit --hashlimit-${random.pick(['upto', 'above'])} 10/sec --hashlimit-mode srcip --hashlimit-name each${family}`,
  () => `-m connlimit --connlimit-${random.pick(['above', 'upto'])} 2 --connlimit-mask 8 --connlimit-saddr`,
  () => `-m quota --quota 100000`,
  () => `-m time --datestart 2020-01-01T00:00:00`,
  () => `-m nfacct --nfacct-name counted`,
  () => `-m comment --comment "a rule"`,
  () => `-m cpu ${not(random)}--cpu 0`,
];

const OF_BALANCING: Conditions = (place) => {
  const { random, l4 } = place;
  return [
    () => `-m ipvs ${not(random)}--ipvs`,
    () => `-m ipvs --vaddr ${anyAddress(place)} --vport ${random.pick(LAB_PORTS)}`,
    () => `-m ipvs ${not(random)}--vmethod ${random.pick(['MASQ', 'GATE', 'IPIP'])}`,
    () => `-m ipvs --vproto ${l4} --vdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
    () => `-m ipvs ${not(random)}--vportctl 21`,
  ];
};

/** What rules of a real node mostly ask comes more often. */
const ALL: readonly Conditions[] = [
  OF_HEADERS,
  OF_HEADERS,
  OF_CONNECTIONS,
  OF_CONNECTIONS,
  OF_SETS,
  OF_SETS,
  OF_PLACES,
  OF_PLACES,
  OF_SOCKETS,
  OF_CHANCE,
];

/** One condition, as text. */
export const condition = (place: Place): string => oneOf(place.ipvs ? [...ALL, OF_BALANCING] : ALL, place);
