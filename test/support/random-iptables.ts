import type { Family } from '../../src/net/family.ts';
import { condition, withoutPorts, withPorts } from './random-iptables-conditions.ts';
import type { Place } from './random-iptables-place.ts';
import { rewriting, target } from './random-iptables-targets.ts';
import { ipsets } from './random-ipsets.ts';
import type { Random } from './random.ts';

/** What rules can ask of the kernel here. */
type Kernel = Pick<Place, 'ipvs' | 'copies'>;

const optionOf = (text: string): string | undefined => text.split(' ').find((word) => word !== '!');

const rule = (place: Place): string => {
  const { random, chain, table } = place;
  const isNat = table === 'nat' && chain !== 'any' && random.once(2);
  const last = isNat ? rewriting(place) : target(place);
  // An option without a module stands once in a rule.
  const conditions = Array.from({ length: random.below(3) }, () => condition(place)).filter(
    (text, index, all) =>
      text.startsWith('-m') || all.findIndex((other) => optionOf(other) === optionOf(text)) === index,
  );
  const protocol =
    last.startsWith('-p ') || random.once(2) ? [] : [random.once(6) ? withoutPorts(place) : withPorts(place)];
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

const tableText = (random: Random, family: Family, table: string, kernel: Kernel): string => {
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
        l4: random.pick(['tcp', 'tcp', 'tcp', 'udp', 'udp', 'sctp']),
        ...kernel,
      };
      lines.push(rule(place).replace(/^-A\s*/, `-A ${isBuiltIn ? '' : `${chain} `}`));
    }
  };
  for (const chain of builtIn) add(chain, random.below(5), [...subs, ...leaves], true);
  for (const chain of leaves) add(chain, 1 + random.below(2), [], false);
  for (const chain of subs) add(chain, 1 + random.below(3), leaves, false);
  return `${[...lines, 'COMMIT'].join('\n')}\n`;
};

/** Random tables of iptables, for iptables-restore and ip6tables-restore, and the ipsets that they need. */
export const randomIptables = (
  random: Random,
  kernel: Kernel,
): { readonly v4: string; readonly v6: string; readonly sets: string } => {
  const tables = random.some(['raw', 'mangle', 'nat', 'filter'], 2 + random.below(3));
  const text = (family: Family): string => tables.map((table) => tableText(random, family, table, kernel)).join('');
  return { v4: text(4), v6: text(6), sets: ipsets(random, 4) + ipsets(random, 6) };
};
