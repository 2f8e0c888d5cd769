import type { Family } from '../../src/net/family.ts';
import { LAB_ADDRESSES, LAB_PORTS } from './lab-addresses.ts';
import type { Random } from './random.ts';

export const NETS = {
  4: ['203.0.113.0/24', '198.51.100.0/30', '192.0.2.0/24', '10.244.0.0/16', '0.0.0.0/1'],
  6: ['2001:db8:203::/48', '2001:db8:198::/64', '2001:db8:0:2::/64', 'fd00:10:244::/56'],
} as const;

export const RANGES = { 4: '203.0.113.7-203.0.113.30', 6: '2001:db8:203::7-2001:db8:203::30' } as const;

export interface Place {
  readonly random: Random;
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly jumps: readonly string[];
  readonly l4: 'tcp' | 'udp' | 'sctp';
  /** The kernel has IPVS. */
  readonly ipvs: boolean;
  /** Packets may be copied: legacy iptables tells of copies as of the packets themselves. */
  readonly copies: boolean;
}

export const anyAddress = ({ random, family }: Place): string => {
  const { own, pods, beyond, clients } = LAB_ADDRESSES[family];
  return random.pick<string>([...own, ...pods, ...beyond, ...clients]);
};

export const anyNet = (place: Place): string =>
  place.random.once(2) ? place.random.pick<string>(NETS[place.family]) : anyAddress(place);

export const not = (random: Random): string => (random.once(4) ? '! ' : '');

export const MARKS = ['0x1/0x1', '0x100/0x100', '0x4000/0x4000', '0x0/0x4000', '0x1'] as const;

export const ports = (random: Random): string => random.some(LAB_PORTS, 1 + random.below(3)).join(',');
