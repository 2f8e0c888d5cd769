import type { Random } from './random.ts';

// Files that `nft -f` reads, made at random: commands of every verb over a few names, in every way of writing that
// nft(8) allows. Some of them nft refuses; which, the kernel tells.

const TABLES = ['inet one', 'ip two'] as const;
const CHAINS = ['a', 'b', 'c'] as const;

/** Rules that mean the same in every table and need no chain, and how they may be written. */
const RULES = [
  'accept',
  'counter drop',
  'tcp dport 22 accept',
  'tcp dport { 22, 80 } counter accept comment "web"',
  'ip saddr 10.0.0.0/8 drop',
  'ip saddr { 192.0.2.1, 198.51.100.0/24 } return',
  'ct state established,related accept',
  'iifname "eth0" udp dport 53 accept',
  'meta mark set 0x1',
  'ip saddr != 192.0.2.0/24 tcp dport 1-1024 drop',
] as const;

interface SetForm {
  readonly name: string;
  readonly kind: 'set' | 'map';
  readonly body: string;
  readonly elements: readonly string[];
}

const SETS: readonly SetForm[] = [
  { name: 'hosts', kind: 'set', body: 'type ipv4_addr;', elements: ['192.0.2.1', '192.0.2.2', '203.0.113.9'] },
  {
    name: 'nets',
    kind: 'set',
    body: 'type ipv4_addr; flags interval;',
    elements: ['10.0.0.0/8', '192.0.2.0/25', '198.51.100.1-198.51.100.9', '203.0.113.7'],
  },
  {
    name: 'ports',
    kind: 'set',
    body: 'type inet_proto . inet_service;',
    elements: ['tcp . 22', 'udp . 53', 'tcp . 443'],
  },
  {
    name: 'doors',
    kind: 'map',
    body: 'type inet_service : verdict;',
    elements: ['22 : accept', '23 : drop', '80 : return'],
  },
  { name: 'marks', kind: 'map', body: 'type ipv4_addr : mark;', elements: ['192.0.2.1 : 0x1', '192.0.2.2 : 0x2'] },
];

const BASES = [
  'type filter hook input priority 0; policy drop;',
  'type filter hook prerouting priority raw + 5; policy accept;',
  'type filter hook output priority filter;',
] as const;

const keyOf = (element: string): string => element.split(' : ')[0] ?? element;

const several = (random: Random, list: readonly string[]): string =>
  random.some(list, 1 + random.below(list.length)).join(', ');

/** One command, mostly one that can succeed. */
const command = (random: Random): string => {
  const table = random.pick(TABLES);
  const chain = random.pick(CHAINS);
  const set = random.pick(SETS);
  const forms: readonly (() => string)[] = [
    () => `add table ${table}`,
    () => `table ${table}`,
    () => `add chain ${table} ${chain}`,
    () => `add chain ${table} ${chain} { ${random.pick(BASES)} }`,
    () => `chain ${table} ${chain} { ${random.pick(RULES)}; ${random.pick(RULES)}; }`,
    () => `add rule ${table} ${chain} ${random.pick(RULES)}`,
    () => `add rule ${table} ${chain} ${random.pick(RULES)}`,
    () => `rule ${table} ${chain} ${random.pick(RULES)}`,
    () => `insert rule ${table} ${chain} ${random.pick(RULES)}`,
    () => `insert rule ${table} ${chain} index ${random.below(2)} ${random.pick(RULES)}`,
    () => `add rule ${table} ${chain} index ${random.below(2)} ${random.pick(RULES)}`,
    () => `add ${set.kind} ${table} ${set.name} { ${set.body} }`,
    () => `add ${set.kind} ${table} ${set.name} { ${set.body} elements = { ${several(random, set.elements)} }; }`,
    () => `add element ${table} ${set.name} { ${several(random, set.elements)} }`,
    () => `element ${table} ${set.name} { ${random.pick(set.elements)} }`,
    () => `delete element ${table} ${set.name} { ${keyOf(random.pick(set.elements))} }`,
    () => `flush ${set.kind} ${table} ${set.name}`,
    () => `flush chain ${table} ${chain}`,
    () => `flush table ${table}`,
    () => `delete chain ${table} ${chain}`,
    () => `delete ${set.kind} ${table} ${set.name}`,
    () => `add chain ${table} ${chain} { policy ${random.pick(['drop', 'accept'])}; }`,
    () => `create chain ${table} ${chain}`,
    () => `delete table ${table}`,
    () => 'flush ruleset',
    () => `add counter ${table} seen`,
    () =>
      `table ${table} {\n\tchain ${chain} {\n\t\t${random.pick(RULES)}\n\t\t${random.pick(RULES)}\n\t}\n\n\t${set.kind} ${set.name} {\n\t\t${set.body.replace('; ', '\n\t\t').replace(';', '')}\n\t\telements = { ${several(random, set.elements)} }\n\t}\n}`,
    () => `table ${table} { chain ${chain} { ${random.pick(RULES)}; }; }`,
  ];
  return random.pick(forms)();
};

/** The same commands, written with remarks, continued lines, semicolons and definitions. */
const written = (random: Random, commands: readonly string[]): string => {
  const lines = commands.map((line) => {
    switch (random.below(8)) {
      case 0:
        return `# a remark\n${line}`;
      case 1:
        return line.includes('\n') ? line : line.replaceAll(' { ', ' \\\n { ');
      case 2:
        return `${line} # and why`;
      default:
        return line;
    }
  });
  return `${lines.reduce((text, line, at) => {
    const plain = !text.endsWith('# and why') && random.below(6) === 0;
    return at === 0 ? line : `${text}${plain ? '; ' : '\n'}${line}`;
  }, '')}\n`;
};

/** A file of up to a dozen commands that begins with what most of them need. */
export const nftScript = (random: Random): string => {
  const start = [
    ...TABLES.flatMap((table) => (random.below(40) === 0 ? [] : [`add table ${table}`])),
    ...TABLES.flatMap((table) =>
      CHAINS.flatMap((chain) => (random.below(25) === 0 ? [] : [`add chain ${table} ${chain}`])),
    ),
    ...TABLES.flatMap((table) =>
      SETS.flatMap(({ kind, name, body }) =>
        random.below(15) === 0 ? [] : [`add ${kind} ${table} ${name} { ${body} }`],
      ),
    ),
  ];
  return written(random, [...start, ...Array.from({ length: 1 + random.below(8) }, () => command(random))]);
};
