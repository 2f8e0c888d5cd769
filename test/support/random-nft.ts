import type { Family } from '../../src/net/family.ts';
import { LAB_ADDRESSES, LAB_PORTS } from './lab-addresses.ts';
import { action } from './random-nft-actions.ts';
import { condition } from './random-nft-conditions.ts';
import { anyAddress, apart, marksOf, netList, PREFIXES, type Place } from './random-nft-place.ts';
import type { Random } from './random.ts';

/** What rules can ask of the kernel here. */
type Kernel = Pick<Place, 'queues' | 'copies'>;

const ICMP = { 4: 'icmp type', 6: 'icmpv6 type' } as const;

/** A rule for what has no ports. */
const icmpRule = ({ random, family, jumps }: Place): string =>
  `${ICMP[family]} ${random.pick(['echo-request', '!= echo-request', '{ echo-request, echo-reply }'])} ${random.pick(['accept', 'meta mark set 0x1', ...jumps.map((chain) => `jump ${chain}`)])}`;

/** What says more about a header says its family too. */
const NAMES_HEADER = /(?:^|\s)(?:ip6?|tcp|udp|sctp|th|icmp|icmpv6|ct protocol) /;

/**
 * nft 1.0.6 leaves conditions out of its listing that it takes for implied, also where they are not: `ct l3proto ipv4
 * ip saddr …`, `ct protocol udp th sport …`.
 */
const isLost = (text: string, rule: readonly string[]): boolean =>
  (/^(?:ct l3proto|meta protocol)/.test(text) && rule.some((other) => NAMES_HEADER.test(other))) ||
  (text.startsWith('ct protocol') && rule.some((other) => /\bth /.test(other))) ||
  (text.startsWith('meta nfproto') && rule.some((other) => other.includes('reject')));

const rule = (place: Place): string => {
  if (place.random.once(30)) return icmpRule(place);
  const before = place.random.once(5) ? ['counter'] : [];
  const last = action(place);
  const conditions = Array.from({ length: place.random.below(3) }, () => condition(place)).filter(
    (text, _index, all) => !isLost(text, [...all, last]),
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

/** The sets and maps that rules of a family look into, and fill. */
const setsOf = (random: Random, family: Family): readonly string[] => {
  const type = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const { own, pods, clients } = LAB_ADDRESSES[family];
  const services = (count: number): readonly string[] => [
    ...new Set(
      Array.from(
        { length: count },
        () => `${anyAddress(random, family)} . ${random.pick(['tcp', 'udp'])} . ${random.pick(LAB_PORTS)}`,
      ),
    ),
  ];
  const verdicts = services(5).map(
    (key) => `${key} : ${random.pick(['accept', 'return', 'jump leaf0', 'goto leaf1'])}`,
  );
  const [first, second] = PREFIXES[family];
  return [
    `set nets${family} { type ${type}; flags interval; elements = ${netList(random, family)}; }`,
    `set seen${family} { type ${type}; flags dynamic,timeout; timeout 1m; size 128; }`,
    `set met${family} { type ${type}; flags dynamic,timeout; timeout 1m; size 128; }`,
    `map learnt${family} { type ${type} : mark; flags dynamic,timeout; timeout 1m; size 128; }`,
    `set services${family} { type ${type} . inet_proto . inet_service; elements = { ${services(4).join(', ')} }; }`,
    `set wide${family} { type ${type} . inet_service; flags interval; elements = { ${first} . 1-1023, ${second} . 8080, ${own[0]} . 30000-32767 }; }`,
    `map verdicts${family} { type ${type} . inet_proto . inet_service : verdict; elements = { ${verdicts.join(', ')} }; }`,
    `map marks${family} { type ${type} : mark; flags interval; elements = { ${marksOf(apart(random, family))} }; }`,
    `map to${family} { type ${type} : ${type}; elements = { ${clients[0]} : ${pods[0]}, ${clients[1]} : ${pods[1]}, ${pods[0]} : ${pods[2]} }; }`,
  ];
};

const OBJECTS = [
  'counter seen { }',
  'limit slow { rate 1000000/second; }',
  'quota much { over 1000 mbytes; }',
  'ct helper ftp { type "ftp" protocol tcp; }',
];

/** A table of random sets, maps and chains. */
const table = (random: Random, kind: 'ip' | 'ip6' | 'inet', name: string, kernel: Kernel): string => {
  const families: readonly Family[] = kind === 'ip' ? [4] : kind === 'ip6' ? [6] : [4, 6];
  const leaves = ['leaf0', 'leaf1'];
  const subs = ['sub0', 'sub1', 'sub2'];
  const lines: string[] = [];
  lines.push(...OBJECTS, ...families.flatMap((family) => setsOf(random, family)));
  const placeOf = (hook: string, isNat: boolean, jumps: readonly string[], priority: number | null): Place => ({
    random,
    family: random.pick(families),
    hook,
    isNat,
    jumps,
    l4: random.pick(['tcp', 'tcp', 'tcp', 'udp', 'udp', 'sctp']),
    isInet: kind === 'inet',
    priority,
    ...kernel,
  });
  const chain = (chainName: string, head: string, rules: readonly string[]): void => {
    lines.push(`chain ${chainName} { ${head}`, ...rules.map((text) => `  ${text}`), '}');
  };
  // Chains that are jumped to must suit every hook: no interface, no rewriting, no answer.
  const common = (jumps: readonly string[]): readonly string[] =>
    Array.from({ length: 1 + random.below(3) }, () => rule(placeOf('any', false, jumps, null)));
  for (const name of leaves) chain(name, '', common([]));
  for (const name of subs) chain(name, '', common(leaves));
  const count = 3 + random.below(4);
  for (let index = 0; index < count; index++) {
    const hook = random.pick(HOOKS);
    const isNat = hook !== 'forward' && random.once(3);
    const isRoute = !isNat && hook === 'output' && random.once(2);
    const type = isNat ? 'nat' : isRoute ? 'route' : 'filter';
    const priority = priorities(random, isNat, hook);
    const policy = !isNat && random.once(12) ? 'drop' : 'accept';
    const rules = Array.from({ length: 1 + random.below(5) }, () => {
      const place = placeOf(hook, isNat, [...subs, ...leaves], priority);
      return random.once(25) && hook === 'prerouting' && !isNat ? 'notrack' : rule(place);
    });
    chain(`${hook}${index}`, `type ${type} hook ${hook} priority ${priority}; policy ${policy};`, rules);
  }
  return `table ${kind} ${name} {\n${lines.map((line) => `  ${line}`).join('\n')}\n}\n`;
};

/** A random ruleset as nft reads it; its tables are registered in the order of the text. */
export const randomNft = (
  random: Random,
  kernel: Kernel,
): { readonly text: string; readonly tables: readonly (readonly [string, string])[] } => {
  const kinds = random.some(['ip', 'inet', 'ip6', 'inet'] as const, 1 + random.below(3));
  const tables = kinds.map((kind, index) => [kind, `t${index}`] as const);
  return { tables, text: tables.map(([kind, name]) => table(random, kind, name, kernel)).join('') };
};
