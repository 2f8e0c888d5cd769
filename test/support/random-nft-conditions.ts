import { LAB_PORTS } from './lab-addresses.ts';
import {
  anyAddress,
  anyNet,
  list,
  MARKS,
  netList,
  not,
  PREFIXES,
  SEVERAL,
  word,
  type Place,
} from './random-nft-place.ts';
import { oneOf, type Forms } from './random.ts';

type Conditions = Forms<Place>;

const isIn = (hook: string): boolean => hook === 'prerouting' || hook === 'input';
const isOut = (hook: string): boolean => hook === 'output' || hook === 'postrouting';

const equal = ['==', '!='] as const;

const OF_HEADERS: Conditions = ({ random, family, l4 }) => {
  const ip = word(family);
  const side = random.pick(['saddr', 'daddr']);
  return [
    () => `${ip} ${side} ${not(random)}${anyNet(random, family)}`,
    () => `${ip} ${side} ${not(random)}${netList(random, family)}`,
    () => `${ip} ${side} ${not(random)}@nets${family}`,
    () =>
      `${random.pick([l4, 'th'])} ${random.pick(['dport', 'dport', 'sport'])} ${not(random)}${random.pick<string | number>([...LAB_PORTS, '1-1023', '30000-32767'])}`,
    () => `${l4} dport ${not(random)}${list(random, LAB_PORTS)}`,
    () => `meta l4proto ${not(random)}${random.pick([l4, SEVERAL[l4]])}`,
    () => `${ip} daddr . meta l4proto . th dport ${not(random)}@services${family}`,
    () =>
      `${ip} saddr . ${l4} dport ${not(random)}{ ${anyAddress(random, family)} . ${random.pick(LAB_PORTS)}, ${random.pick<string>(PREFIXES[family])} . 8443 }`,
    ...(l4 === 'tcp'
      ? [
          () => `tcp flags & (syn | ack) == syn`,
          () => `tcp flags syn / fin,syn,rst,ack`,
          () => `tcp flags ${random.pick(['syn', '!= syn', '{ syn, syn | ack }'])}`,
        ]
      : []),
    () => `${family === 4 ? 'ip ttl' : 'ip6 hoplimit'} ${random.pick(['64', '> 63', '< 64', '63'])}`,
    () => `meta length ${random.pick(['< 60', '> 40', '28-48'])}`,
  ];
};

const OF_RARER_HEADERS: Conditions = ({ random, family, l4, isInet }) => {
  const ip = word(family);
  const side = random.pick(['saddr', 'daddr']);
  return [
    () => `${ip} daddr . th dport ${not(random)}@wide${family}`,
    () => `meta l4proto . th dport { tcp . 80, udp . 53, tcp . ${random.pick(LAB_PORTS.slice(2))} }`,
    () => (family === 4 ? `ip protocol ${not(random)}${l4}` : `ip6 nexthdr ${not(random)}${l4}`),
    () => `meta protocol ${not(random)}${ip}`,
    ...(isInet ? [() => `meta nfproto ${not(random)}ipv${family}`] : []),
    () =>
      family === 4
        ? `ip ${side} & 255.0.0.255 ${random.pick(equal)} ${random.pick(['10.0.0.64', '192.0.0.10', '203.0.0.7'])}`
        : `ip6 ${side} & ffff:ffff::ffff ${random.pick(equal)} ${random.pick(['2001:db8::7', '2001:db8::10', 'fd00:10::64'])}`,
    () => `${l4} ${random.pick(['dport', 'sport'])} & 0x1 ${random.pick(equal)} 0x1`,
    () => `@th,16,16 ${not(random)}${random.pick(LAB_PORTS)}`,
    () => `${ip} dscp ${not(random)}${random.pick(['cs0', 'cs1'])}`,
    () => (family === 4 ? `ip length ${random.pick(['< 60', '> 40'])}` : `ip6 length < 40`),
    () => (family === 4 ? `ip frag-off & 0x1fff ${random.pick(equal)} 0` : 'exthdr frag exists'),
    ...(l4 === 'tcp' ? [() => `tcp option maxseg ${random.pick(['exists', 'missing', 'size 1-500'])}`] : []),
    ...(l4 === 'udp' ? [() => 'udp length > 8'] : []),
    () => `meta pkttype ${not(random)}${random.pick(['host', '{ broadcast, multicast }', 'other'])}`,
    () => `jhash ${ip} saddr . th sport mod 4 seed 0x1 ${random.pick(['0', '!= 0', '{ 1, 3 }', '2-3'])}`,
    () => `symhash mod 2 0`,
    () => `meta cpu < 64`,
    () => `meta priority 0`,
    () => `meta time > "2020-01-01"`,
  ];
};

const OF_CONNECTIONS: Conditions = ({ random, family, l4 }) => {
  const ip = word(family);
  const side = random.pick(['saddr', 'daddr']);
  return [
    () =>
      `ct state ${not(random)}${random.pick(['new', 'established,related', 'invalid', 'untracked', 'new,untracked', '{ new, established }'])}`,
    () => `ct direction ${random.pick(['original', 'reply'])}`,
    () => `ct status ${random.pick(['dnat', 'snat', 'confirmed', 'seen-reply', 'dnat,snat', '& (dnat | snat) == 0'])}`,
    () => `ct original ${ip} ${side} ${not(random)}${anyNet(random, family)}`,
    () => `meta l4proto ${l4} ct original proto-${random.pick(['src', 'dst'])} ${not(random)}${random.pick(LAB_PORTS)}`,
    () => `ct reply ${ip} ${side} ${not(random)}${anyNet(random, family)}`,
    () => `meta l4proto ${l4} ct reply proto-${random.pick(['src', 'dst'])} ${not(random)}${random.pick(LAB_PORTS)}`,
    () => `ct zone ${not(random)}${random.pick([0, 1])}`,
    () => `ct protocol ${not(random)}${l4}`,
    () => `ct l3proto ${not(random)}ipv${family}`,
    () => `ct expiration ${random.pick(['< 1h', '> 1m'])}`,
    () => `ct original bytes < 1000000`,
    () => `ct helper ${not(random)}"ftp"`,
    () => `ct direction . ct state { original . new, reply . established }`,
    () => `ct count ${random.pick(['', 'over '])}1000`,
  ];
};

const OF_MARKS: Conditions = ({ random }) => [
  () => `meta mark ${not(random)}${random.pick(MARKS)}`,
  () => `meta mark & ${random.pick(MARKS)} ${random.pick(equal)} ${random.pick(['0x0', ...MARKS])}`,
  () => `ct mark & ${random.pick(MARKS)} ${random.pick(equal)} ${random.pick(['0x0', ...MARKS])}`,
  () => `meta mark . ct mark { 0x1 . 0x1, 0x0 . 0x0, 0x4000 . 0x0 }`,
];

const OF_ROUTES: Conditions = ({ random, hook }) => [
  () => `fib daddr type ${not(random)}${random.pick(['local', 'unicast', '{ local, broadcast }', 'broadcast'])}`,
  () => `fib saddr type ${not(random)}${random.pick(['local', 'unicast'])}`,
  ...(isIn(hook) || hook === 'forward'
    ? [
        () => `fib daddr . iif type ${not(random)}${random.pick(['local', 'unicast'])}`,
        () => `fib saddr . iif oif ${random.pick(['missing', 'exists', 'eth0'])}`,
      ]
    : []),
  ...(isOut(hook) || hook === 'forward'
    ? [() => `fib ${random.pick(['daddr', 'saddr'])} . oif type ${not(random)}${random.pick(['local', 'unicast'])}`]
    : []),
  ...(hook === 'prerouting'
    ? [
        () => `fib saddr oif ${random.pick(['missing', 'eth0', '!= cni0'])}`,
        () => `fib daddr oifname ${not(random)}${random.pick(['"eth0"', '"cni0"', '"lo"'])}`,
        () => `fib saddr . mark oif ${random.pick(['exists', 'cni0'])}`,
        () => `fib saddr . mark . iif oif ${random.pick(['exists', 'missing'])}`,
      ]
    : []),
];

const OF_INTERFACES: Conditions = ({ random, hook, family }) => [
  ...(isIn(hook)
    ? [
        () => `iifname ${not(random)}${random.pick(['"eth0"', '"cni0"', '"cni*"', '"lo"', '{ "eth0", "lo" }'])}`,
        () => `iif ${not(random)}${random.pick(['eth0', 'cni0', 'lo'])}`,
        () => `iifname . ${word(family)} saddr { "eth0" . ${PREFIXES[family][0]}, "lo" . ${PREFIXES[family][2]} }`,
        () => `meta iiftype ${not(random)}${random.pick(['ether', 'loopback'])}`,
        () => `ether saddr ${not(random)}${random.pick(['02:00:00:00:00:02', '02:00:00:00:00:04'])}`,
      ]
    : []),
  ...(isOut(hook) || hook === 'forward'
    ? [() => `oifname ${not(random)}${random.pick(['"eth0"', '"cni0"', '"e*"', '"lo"'])}`]
    : []),
];

const OF_SOCKETS: Conditions = ({ random, hook }) => [
  ...(isOut(hook)
    ? [() => `meta ${random.pick(['skuid', 'skgid'])} ${not(random)}${random.pick(['0', '1000', '0-999'])}`]
    : []),
  ...(isIn(hook)
    ? [
        () => `socket transparent ${random.pick([0, 1])}`,
        () => `socket mark ${not(random)}${random.pick(MARKS)}`,
        () => `socket wildcard 0`,
      ]
    : []),
];

const OF_CHANCE: Conditions = ({ random }) => [
  () => `numgen random mod ${2 + random.below(3)} 0`,
  () => `numgen inc mod 2 0`,
  () =>
    `limit rate ${random.pick(['1000000/second', 'over 1000000/second', '1/second burst 1 packets', '10 mbytes/second'])}`,
  () => `limit name "slow"`,
  () => `quota ${random.pick(['', 'over '])}1000 mbytes`,
  () => `quota name "much"`,
];

/** What rules of a real node mostly ask comes twice as often. */
const ALL: readonly Conditions[] = [
  OF_HEADERS,
  OF_HEADERS,
  OF_CONNECTIONS,
  OF_CONNECTIONS,
  OF_MARKS,
  OF_ROUTES,
  OF_INTERFACES,
  OF_RARER_HEADERS,
  OF_SOCKETS,
  OF_CHANCE,
];

/** One condition, as text. */
export const condition = (place: Place): string => oneOf(ALL, place);
