import type { Random } from './random.ts';

/** Addresses that mean something to the node of a trace lab, by family. */
export const LAB_ADDRESSES = {
  4: {
    own: ['192.0.2.10', '192.0.2.20', '10.244.1.1'],
    pods: ['10.244.1.64', '10.244.1.66', '10.244.1.99'],
    beyond: ['198.51.100.5', '10.96.0.10', '10.244.2.21', '203.0.113.99', '203.0.113.98', '203.0.113.97', '192.0.2.11'],
    clients: ['203.0.113.7', '203.0.113.20', '198.51.100.2', '198.51.100.77', '192.0.2.50'],
  },
  6: {
    own: ['2001:db8:0:2::10', 'fd00:10:244:1::1'],
    pods: ['fd00:10:244:1::64', 'fd00:10:244:1::66', 'fd00:10:244:1::99'],
    beyond: ['2001:db8:1::5', '2001:db8:99::1', 'fd00:10:96::a'],
    clients: ['2001:db8:203::7', '2001:db8:203::20', '2001:db8:198::2', '2001:db8:0:2::50'],
  },
} as const;

const PREFIXES = {
  4: [
    '203.0.113.0/24',
    '198.51.100.0/30',
    '192.0.2.0/24',
    '10.244.0.0/16',
    '10.96.0.0/12',
    '0.0.0.0/1',
    '203.0.113.7-203.0.113.12',
  ],
  6: ['2001:db8:203::/48', '2001:db8:198::/64', '2001:db8:0:2::/64', 'fd00:10:244::/56', '2001:db8::/33'],
} as const;

export const LAB_PORTS = [53, 80, 443, 8080, 30_001, 30_002] as const;

type Family = 4 | 6;

const anyAddress = (random: Random, family: Family): string => {
  const { own, pods, beyond, clients } = LAB_ADDRESSES[family];
  return random.pick<string>([...own, ...pods, ...beyond, ...clients]);
};

const anyNet = (random: Random, family: Family): string =>
  random.once(2) ? random.pick<string>(PREFIXES[family]) : anyAddress(random, family);

const word = (family: Family): string => (family === 4 ? 'ip' : 'ip6');

interface Place {
  readonly random: Random;
  /** Of the addresses that its rules name. */
  readonly family: Family;
  readonly hook: string;
  readonly isNat: boolean;
  readonly jumps: readonly string[];
  /** The protocol that a rule speaks of: two in one rule contradict each other. */
  readonly l4: 'tcp' | 'udp';
  readonly isInet: boolean;
}

const not = (random: Random): string => (random.once(4) ? '!= ' : '');

const list = (random: Random, of: readonly (string | number)[], most = 3): string =>
  `{ ${random.some(of, 1 + random.below(Math.min(most, of.length))).join(', ')} }`;

/** Networks that do not overlap, so that they can stand in one set or map. */
const APART = {
  4: ['203.0.113.0/24', '198.51.100.0/30', '192.0.2.10', '192.0.2.50', '10.244.0.0/16'],
  6: ['2001:db8:203::/48', '2001:db8:198::2', '2001:db8:0:2::10', 'fd00:10:244::/56'],
} as const;

const apart = (random: Random, family: Family): readonly string[] =>
  random.some<string>(APART[family], 1 + random.below(3));

const netList = (random: Random, family: Family): string => `{ ${apart(random, family).join(', ')} }`;

const MARKS = ['0x1', '0x100', '0x4000', '0x4100'] as const;

/** One condition, as text. */
const condition = ({ random, family, hook, l4, isInet }: Place): string => {
  const ip = word(family);
  const side = random.pick(['saddr', 'daddr']);
  const kinds: readonly (() => string)[] = [
    () => `${ip} ${side} ${not(random)}${anyNet(random, family)}`,
    () => `${ip} ${side} ${not(random)}${netList(random, family)}`,
    () => `${ip} ${side} ${not(random)}@nets${family}`,
    () =>
      `${random.pick([l4, 'th'])} ${random.pick(['dport', 'dport', 'sport'])} ${not(random)}${random.pick<string | number>([...LAB_PORTS, '1-1023', '30000-32767'])}`,
    () => `${l4} dport ${not(random)}${list(random, LAB_PORTS)}`,
    () => `meta l4proto ${not(random)}${random.pick([l4, '{ tcp, udp }'])}`,
    () => `${ip} daddr . meta l4proto . th dport ${not(random)}@services${family}`,
    () =>
      `${ip} saddr . ${l4} dport ${not(random)}{ ${anyAddress(random, family)} . ${random.pick(LAB_PORTS)}, ${random.pick<string>(PREFIXES[family])} . 8443 }`,
    () =>
      `ct state ${not(random)}${random.pick(['new', 'established,related', 'invalid', 'untracked', 'new,untracked'])}`,
    () => `ct direction ${random.pick(['original', 'reply'])}`,
    () => `ct status ${random.pick(['dnat', 'snat', 'confirmed', 'seen-reply', 'dnat,snat'])}`,
    () => `ct original ${ip} ${side} ${not(random)}${anyNet(random, family)}`,
    () => `meta l4proto ${l4} ct original proto-dst ${not(random)}${random.pick(LAB_PORTS)}`,
    () => `ct reply ${ip} saddr ${not(random)}${anyNet(random, family)}`,
    () => `meta mark ${not(random)}${random.pick(MARKS)}`,
    () => `meta mark & ${random.pick(MARKS)} ${random.pick(['==', '!='])} ${random.pick(['0x0', ...MARKS])}`,
    () => `ct mark & ${random.pick(MARKS)} ${random.pick(['==', '!='])} ${random.pick(['0x0', ...MARKS])}`,
    () => `fib daddr type ${not(random)}${random.pick(['local', 'unicast', '{ local, broadcast }', 'broadcast'])}`,
    () => `fib saddr type ${not(random)}${random.pick(['local', 'unicast'])}`,
    ...(hook === 'prerouting' || hook === 'input'
      ? [
          () => `iifname ${not(random)}${random.pick(['"eth0"', '"cni0"', '"cni*"', '"lo"', '{ "eth0", "lo" }'])}`,
          () => `iif ${not(random)}${random.pick(['eth0', 'cni0', 'lo'])}`,
        ]
      : []),
    ...(hook === 'prerouting' ? [() => `fib saddr . iif oif ${random.pick(['missing', 'exists'])}`] : []),
    ...(hook === 'output' || hook === 'postrouting' || hook === 'forward'
      ? [() => `oifname ${not(random)}${random.pick(['"eth0"', '"cni0"', '"e*"', '"lo"'])}`]
      : []),
    ...(l4 === 'tcp' ? [() => `tcp flags & (syn | ack) == syn`, () => `tcp flags syn / fin,syn,rst,ack`] : []),
    () => `${family === 4 ? 'ip ttl' : 'ip6 hoplimit'} ${random.pick(['64', '> 63', '< 64', '63'])}`,
    () => `meta length ${random.pick(['< 60', '> 40', '28-48'])}`,
    ...(isInet ? [() => `meta nfproto ipv${family}`] : []),
    ...(hook === 'output' || hook === 'postrouting'
      ? [() => `meta skuid ${not(random)}${random.pick(['0', '1000'])}`]
      : []),
    () => `numgen random mod ${2 + random.below(3)} 0`,
    () => `numgen inc mod 2 0`,
    () => `limit rate 1000000/second`,
  ];
  return random.pick(kinds)();
};

const action = (place: Place): string => {
  const { random, family, hook, isNat, jumps, l4, isInet } = place;
  const ip = word(family);
  const chain = jumps.length === 0 ? null : random.pick(jumps);
  const verdicts = ['accept', 'return', 'continue', ...(isNat ? [] : ['drop'])];
  const kinds: readonly (() => string)[] = [
    () => random.pick(verdicts),
    () => (chain === null ? 'counter' : `${random.pick(['jump', 'jump', 'goto'])} ${chain}`),
    () => (chain === null ? 'counter' : `${random.pick(['jump', 'jump', 'goto'])} ${chain}`),
    () =>
      `meta mark set ${random.pick([...MARKS, 'meta mark or 0x4000', 'meta mark xor 0x4000', 'meta mark and 0xff', 'ct mark'])}`,
    () => `ct mark set ${random.pick([...MARKS, 'meta mark', 'ct mark or 0x1'])}`,
    () => 'counter',
    () =>
      `${l4} dport vmap { ${LAB_PORTS.slice(0, 2 + random.below(4))
        .map(
          (port) =>
            `${port} : ${chain === null ? 'accept' : random.pick(['accept', 'return', `jump ${chain}`, `goto ${chain}`])}`,
        )
        .join(', ')} }`,
    // The map jumps to leaves, which must not come back to it.
    ...(chain === null ? [] : [() => `${ip} daddr . meta l4proto . th dport vmap @verdicts${family}`]),
    () =>
      `${ip} saddr vmap { ${random.pick<string>(PREFIXES[family])} : ${random.pick(['accept', 'return', chain === null ? 'continue' : `jump ${chain}`])} }`,
    () => `numgen random mod 3 vmap { 0 : accept, 1 : ${chain === null ? 'return' : `goto ${chain}`}, 2 : continue }`,
    () => `update @seen${family} { ${ip} saddr }`,
    () =>
      `meta mark set ${ip} saddr map { ${apart(random, family)
        .map((key, index) => `${key} : ${MARKS[index]}`)
        .join(', ')} }`,
    ...(hook === 'input' || hook === 'forward' || hook === 'output'
      ? [
          () =>
            isNat
              ? 'counter'
              : random.pick([
                  'reject',
                  ...(l4 === 'tcp' ? ['meta l4proto tcp reject with tcp reset'] : []),
                  ...(isInet ? ['reject with icmpx type admin-prohibited'] : []),
                ]),
        ]
      : []),
    ...(isNat ? [() => rewriting(place), () => rewriting(place), () => rewriting(place)] : []),
  ];
  return random.pick(kinds)();
};

const brackets = (address: string): string => (address.includes(':') ? `[${address}]` : address);

const ofFamily = (isInet: boolean, family: Family): string => (isInet ? `meta nfproto ipv${family} ` : '');

/** A rewriting that the hook allows. */
const rewriting = ({ random, family, hook, l4, isInet }: Place): string => {
  const { own, pods } = LAB_ADDRESSES[family];
  const ip = word(family);
  const target = random.pick<string>([...pods, ...pods, ...own]);
  const port = random.pick([8080, 443, 5353]);
  const ports = 'meta l4proto { tcp, udp }';
  if (hook === 'prerouting' || hook === 'output')
    return random.pick([
      () => `${ports} dnat ${ip} to ${brackets(target)}:${port}`,
      () => `dnat ${ip} to ${target}`,
      () => `${ofFamily(isInet, family)}${ports} redirect to :${port}`,
      () => `${ofFamily(isInet, family)}redirect`,
      () =>
        `${ports} dnat ${ip} addr . port to numgen random mod 3 map { 0 : ${pods[0]} . 8080, 1 : ${pods[1]} . 8080, 2 : ${pods[2]} . 8081 }`,
      () =>
        `${l4} dport 80 dnat ${ip} to ${ip} daddr map { ${apart(random, family)
          .map((key, index) => `${key} : ${pods[index]}`)
          .join(', ')} }`,
    ])();
  if (hook === 'postrouting')
    return random.pick([
      () => `${ofFamily(isInet, family)}masquerade`,
      () => `${ofFamily(isInet, family)}masquerade fully-random`,
      () => `snat ${ip} to ${random.pick<string>(own)}`,
      () => `${ports} snat ${ip} to ${brackets(random.pick<string>(own))}:40000-41000`,
    ])();
  return `snat ${ip} to ${random.pick<string>(own)}`;
};

const rule = (place: Place): string => {
  const before = place.random.once(5) ? ['counter'] : [];
  const last = action(place);
  // nft 1.0.6 lists `meta nfproto ipv6 meta l4proto tcp reject with tcp reset` without its first condition.
  const conditions = Array.from({ length: place.random.below(3) }, () => condition(place)).filter(
    (text) => !(last.includes('reject') && text.startsWith('meta nfproto')),
  );
  // A mark may be set before a verdict in the same rule.
  const also = place.random.once(6) && !place.isNat ? ['meta mark set meta mark or 0x1'] : [];
  return [...conditions, ...before, ...also, last].join(' ');
};

const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;

const priorities = (random: Random, isNat: boolean, hook: string): number =>
  isNat
    ? random.pick(hook === 'prerouting' || hook === 'output' ? [-100, -110, -90, 0] : [100, 90, 0])
    : random.pick([-300, -250, -150, -140, -110, -101, -99, -50, 0, 0, 10, 50, 101]);

/** A table of random sets, maps and chains. */
const table = (random: Random, kind: 'ip' | 'ip6' | 'inet', name: string): string => {
  const families: readonly Family[] = kind === 'ip' ? [4] : kind === 'ip6' ? [6] : [4, 6];
  const leaves = ['leaf0', 'leaf1'];
  const subs = ['sub0', 'sub1', 'sub2'];
  const lines: string[] = [];
  for (const family of families) {
    const type = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
    lines.push(
      `set nets${family} { type ${type}; flags interval; elements = ${netList(random, family)}; }`,
      `set seen${family} { type ${type}; flags dynamic,timeout; timeout 1m; size 128; }`,
      `set services${family} { type ${type} . inet_proto . inet_service; elements = { ${Array.from(
        new Set(
          Array.from(
            { length: 4 },
            () => `${anyAddress(random, family)} . ${random.pick(['tcp', 'udp'])} . ${random.pick(LAB_PORTS)}`,
          ),
        ),
      ).join(', ')} }; }`,
      `map verdicts${family} { type ${type} . inet_proto . inet_service : verdict; elements = { ${Array.from(
        new Set(
          Array.from(
            { length: 5 },
            () => `${anyAddress(random, family)} . ${random.pick(['tcp', 'udp'])} . ${random.pick(LAB_PORTS)}`,
          ),
        ),
      )
        .map((key) => `${key} : ${random.pick(['accept', 'return', 'jump leaf0', 'goto leaf1'])}`)
        .join(', ')} }; }`,
    );
  }
  const placeOf = (hook: string, isNat: boolean, jumps: readonly string[]): Place => ({
    random,
    family: random.pick(families),
    hook,
    isNat,
    jumps,
    l4: random.pick(['tcp', 'tcp', 'udp']),
    isInet: kind === 'inet',
  });
  const chain = (chainName: string, head: string, rules: readonly string[]): void => {
    lines.push(`chain ${chainName} { ${head}`, ...rules.map((text) => `  ${text}`), '}');
  };
  // Chains that are jumped to must suit every hook: no interface, no rewriting, no answer.
  const common = (jumps: readonly string[]): readonly string[] =>
    Array.from({ length: 1 + random.below(3) }, () => rule(placeOf('any', false, jumps)));
  for (const name of leaves) chain(name, '', common([]));
  for (const name of subs) chain(name, '', common(leaves));
  const count = 3 + random.below(4);
  for (let index = 0; index < count; index++) {
    const hook = random.pick(HOOKS);
    const isNat = hook !== 'forward' && random.once(3);
    const isRoute = !isNat && hook === 'output' && random.once(2);
    const type = isNat ? 'nat' : isRoute ? 'route' : 'filter';
    const policy = !isNat && random.once(12) ? 'drop' : 'accept';
    const rules = Array.from({ length: 1 + random.below(5) }, () => {
      const place = placeOf(hook, isNat, [...subs, ...leaves]);
      return random.once(25) && hook === 'prerouting' && !isNat ? 'notrack' : rule(place);
    });
    chain(
      `${hook}${index}`,
      `type ${type} hook ${hook} priority ${priorities(random, isNat, hook)}; policy ${policy};`,
      rules,
    );
  }
  return `table ${kind} ${name} {\n${lines.map((line) => `  ${line}`).join('\n')}\n}\n`;
};

/** A random ruleset as nft reads it; its tables are registered in the order of the text. */
export const randomNft = (
  random: Random,
): { readonly text: string; readonly tables: readonly (readonly [string, string])[] } => {
  const kinds = random.some(['ip', 'inet', 'ip6', 'inet'] as const, 1 + random.below(3));
  const tables = kinds.map((kind, index) => [kind, `t${index}`] as const);
  return { tables, text: tables.map(([kind, name]) => table(random, kind, name)).join('') };
};
