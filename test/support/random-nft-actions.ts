import { LAB_ADDRESSES, LAB_PORTS } from './lab-addresses.ts';
import { apart, MARKS, marksOf, PREFIXES, word, type Place } from './random-nft-place.ts';
import { rewriting } from './random-nft-rewriting.ts';
import { oneOf, type Forms } from './random.ts';

type Actions = Forms<Place>;

const VERDICTS: Actions = ({ random, isNat, jumps }) => {
  const chain = jumps.length === 0 ? null : random.pick(jumps);
  const verdicts = ['accept', 'return', 'continue', ...(isNat ? [] : ['drop'])];
  return [
    () => random.pick(verdicts),
    () => (chain === null ? 'counter' : `${random.pick(['jump', 'jump', 'goto'])} ${chain}`),
    () => (chain === null ? 'counter' : `${random.pick(['jump', 'jump', 'goto'])} ${chain}`),
  ];
};

const VERDICT_MAPS: Actions = ({ random, family, hook, jumps, l4 }) => {
  const ip = word(family);
  const chain = jumps.length === 0 ? null : random.pick(jumps);
  const somewhere = (): string =>
    random.pick(['accept', 'return', ...(chain === null ? [] : [`jump ${chain}`, `goto ${chain}`])]);
  const ports = LAB_PORTS.slice(0, 2 + random.below(4));
  return [
    () => `${l4} dport vmap { ${ports.map((port) => `${port} : ${somewhere()}`).join(', ')} }`,
    // The map jumps to leaves, which must not come back to it.
    ...(chain === null ? [] : [() => `${ip} daddr . meta l4proto . th dport vmap @verdicts${family}`]),
    () => `${ip} saddr vmap { ${random.pick<string>(PREFIXES[family])} : ${somewhere()} }`,
    () => `${ip} saddr . th dport vmap { ${PREFIXES[family][0]} . 1-1023 : ${somewhere()} }`,
    () => `numgen random mod 3 vmap { 0 : accept, 1 : ${somewhere()}, 2 : continue }`,
    () => `jhash ${ip} saddr . th sport mod 3 seed 0x1 offset 10 vmap { 10 : ${somewhere()}, 11-12 : ${somewhere()} }`,
    () => `ct state vmap { new : ${somewhere()}, established : accept, invalid : ${somewhere()} }`,
    () => `meta l4proto vmap { tcp : ${somewhere()}, udp : continue }`,
    () => `meta mark vmap { 0x1 : ${somewhere()}, 0x100 : ${somewhere()} }`,
    () => `fib daddr type vmap { local : ${somewhere()}, unicast : continue }`,
    ...(hook === 'prerouting' || hook === 'input'
      ? [() => `iifname vmap { "eth0" : ${somewhere()}, "lo" : ${somewhere()} }`]
      : []),
  ];
};

const WRITINGS: Actions = ({ random, family, l4, priority }) => {
  const ip = word(family);
  // A packet that begins with so little time does not get past a router.
  const ttl = random.pick([64, 63, 1]);
  return [
    () =>
      `meta mark set ${random.pick([...MARKS, 'meta mark or 0x4000', 'meta mark xor 0x4000', 'meta mark and 0xff', 'ct mark', 'meta mark & 0xff | 0x100', 'ct mark & 0xff'])}`,
    () => `ct mark set ${random.pick([...MARKS, 'meta mark', 'ct mark or 0x1', 'meta mark & 0xff00'])}`,
    () => `meta mark set ${ip} saddr map { ${marksOf(apart(random, family))} }`,
    () => `${random.pick(['meta', 'ct'])} mark set ${ip} ${random.pick(['saddr', 'daddr'])} map @marks${family}`,
    () => `meta mark set jhash ${ip} saddr mod 2 offset 1`,
    () => `meta mark set numgen ${random.pick(['inc', 'random'])} mod 3 map { 0 : 0x1, 1 : 0x100, 2 : 0x4000 }`,
    () => `${ip} dscp set cs1`,
    () => (family === 4 ? `ip ttl set ${ttl}` : `ip6 hoplimit set ${ttl}`),
    () => 'meta priority set 1:2',
    ...(l4 === 'tcp' ? [() => 'tcp flags syn tcp option maxseg size set 1200'] : []),
    ...(priority !== null && priority < -200 ? [() => 'ct zone set 1'] : []),
    ...(priority !== null && priority > -200 ? [() => 'ct helper set "ftp"'] : []),
  ];
};

const NOTES: Actions = ({ random, family, hook, isInet, isNat, l4, copies }) => {
  const ip = word(family);
  return [
    () => random.pick(['counter', 'counter name "seen"', 'log prefix "x" group 5']),
    () => `${random.pick(['add', 'update', 'delete'])} @seen${family} { ${ip} saddr }`,
    () => `update @seen${family} { ${ip} saddr timeout 30s counter } accept`,
    () => `update @met${family} { ${ip} saddr limit rate ${random.pick(['', 'over '])}10/second } accept`,
    () => `update @learnt${family} { ${ip} saddr : 0x1 }`,
    // Copies of packets for the node itself come back to it.
    ...(isInet || isNat || hook === 'any' || !copies
      ? []
      : [() => `fib daddr type != local dup to ${LAB_ADDRESSES[family].pods[2]} device cni0`]),
    ...(hook === 'prerouting' && !isNat && l4 !== 'sctp'
      ? [
          () => `meta l4proto ${l4} tproxy ${ip} to :8080`,
          () => `meta l4proto ${l4} tproxy ${ip} to :8080 meta mark set 0x1 accept`,
        ]
      : []),
  ];
};

const REJECTIONS: Actions = ({ random, family, hook, isNat, isInet, l4 }) =>
  isNat || !['input', 'forward', 'output'].includes(hook)
    ? []
    : [
        () => 'reject',
        () => `reject with ${family === 4 ? 'icmp host-prohibited' : 'icmpv6 addr-unreachable'}`,
        ...(l4 === 'tcp' ? [() => 'meta l4proto tcp reject with tcp reset'] : []),
        ...(isInet ? [() => `reject with icmpx ${random.pick(['admin-prohibited', 'no-route'])}`] : []),
      ];

const QUEUES: Actions = ({ random, isNat, queues }) =>
  queues && !isNat ? [() => `queue ${random.pick(['', 'flags bypass '])}num 3`] : [];

const PLAIN: readonly Actions[] = [
  VERDICTS,
  VERDICTS,
  VERDICTS,
  VERDICT_MAPS,
  VERDICT_MAPS,
  WRITINGS,
  WRITINGS,
  NOTES,
  REJECTIONS,
  QUEUES,
];

/** What a rule does, as text. */
export const action = (place: Place): string =>
  place.isNat && place.random.once(3) ? rewriting(place) : oneOf(PLAIN, place);
