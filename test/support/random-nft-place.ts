import type { Family } from '../../src/net/family.ts';
import { LAB_ADDRESSES } from './lab-addresses.ts';
import type { Random } from './random.ts';

export const PREFIXES = {
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

export const anyAddress = (random: Random, family: Family): string => {
  const { own, pods, beyond, clients } = LAB_ADDRESSES[family];
  return random.pick<string>([...own, ...pods, ...beyond, ...clients]);
};

export const anyNet = (random: Random, family: Family): string =>
  random.once(2) ? random.pick<string>(PREFIXES[family]) : anyAddress(random, family);

export const word = (family: Family): string => (family === 4 ? 'ip' : 'ip6');

export interface Place {
  readonly random: Random;
  /** Of the addresses that its rules name. */
  readonly family: Family;
  readonly hook: string;
  readonly isNat: boolean;
  readonly jumps: readonly string[];
  /** The protocol that a rule speaks of: two in one rule contradict each other. */
  readonly l4: 'tcp' | 'udp' | 'sctp';
  readonly isInet: boolean;
  /** Of the base chain; null in one that others jump to. */
  readonly priority: number | null;
  /** The kernel hands packets to programs. */
  readonly queues: boolean;
  /** Packets may be copied: legacy iptables tells of copies as of the packets themselves. */
  readonly copies: boolean;
}

export const not = (random: Random): string => (random.once(4) ? '!= ' : '');

export const list = (random: Random, of: readonly (string | number)[], most = 3): string =>
  `{ ${random.some(of, 1 + random.below(Math.min(most, of.length))).join(', ')} }`;

/** Networks that do not overlap, so that they can stand in one set or map. */
const APART = {
  4: ['203.0.113.0/24', '198.51.100.0/30', '192.0.2.10', '192.0.2.50', '10.244.0.0/16'],
  6: ['2001:db8:203::/48', '2001:db8:198::2', '2001:db8:0:2::10', 'fd00:10:244::/56'],
} as const;

export const apart = (random: Random, family: Family): readonly string[] =>
  random.some<string>(APART[family], 1 + random.below(3));

export const netList = (random: Random, family: Family): string => `{ ${apart(random, family).join(', ')} }`;

export const MARKS = ['0x1', '0x100', '0x4000', '0x4100'] as const;

/** The elements of a map from each of some keys to a mark. */
export const marksOf = (keys: readonly string[]): string =>
  keys.map((key, index) => `${key} : ${MARKS[index]}`).join(', ');

/**
 * A match of several protocols, among them that of the rule. nft 1.0.6 takes the last of them for the only one when it
 * looks for contradictions.
 */
export const SEVERAL = { tcp: '{ icmp, tcp }', udp: '{ tcp, udp }', sctp: '{ tcp, sctp }' } as const;
