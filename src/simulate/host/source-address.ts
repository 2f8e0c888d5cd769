import type { HostAddress } from '../../ruleset/host.ts';
import type { HostIndex } from './host-index.ts';

const SCOPE_RANK: Readonly<Record<string, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };

const matches = ({ address, length }: HostAddress, to: bigint): boolean => {
  const host = BigInt((address.family === 4 ? 32 : 128) - length);
  return address.value >> host === to >> host;
};

const rank = ({ scope }: HostAddress): number => SCOPE_RANK[scope] ?? 0;

/**
 * net/ipv4/devinet.c, inet_select_addr: the first primary address of the link whose network holds the next hop, else
 * its first.
 */
const select4 = ({ addresses, byLink }: HostIndex, link: string, to: bigint, widest: number): bigint | null => {
  const isUsable = (one: HostAddress): boolean => !one.secondary && Math.min(rank(one), 253) <= widest;
  const own = (byLink.get(link) ?? []).filter(isUsable);
  const chosen =
    own.find((one) => matches(one, to)) ?? own[0] ?? addresses?.find((one) => isUsable(one) && one.scope !== 'link');
  return chosen?.address.value ?? null;
};

/** RFC 6724, 3.1: link-local and multicast scopes matter here. */
const scope6 = (address: bigint): number => (address === 1n || address >> 118n === 0x3fan ? 2 : 14);

/** RFC 6724, 2.1: the default policy table, as far as its labels differ (net/ipv6/addrlabel.c). */
const label6 = (address: bigint): number => {
  if (address === 1n) return 0;
  if (address >> 112n === 0x2002n) return 2;
  if (address >> 96n === 0x2001_0000n) return 6;
  if (address >> 121n === 0x7en) return 5;
  return 1;
};

const common = (a: bigint, b: bigint): number => 128 - (a ^ b).toString(2).length + (a === b ? 1 : 0);

/** net/ipv6/addrconf.c, ipv6_get_saddr_eval: same address, scope, the outgoing link, label, longest common prefix. */
const select6 = (addresses: readonly HostAddress[], link: string, to: bigint): bigint | null => {
  const scope = scope6(to);
  const score = (one: HostAddress): readonly number[] => {
    const { value } = one.address;
    const own = scope6(value);
    return [
      value === to ? 1 : 0,
      // A scope that is wide enough is better than one that is not; among those the narrowest.
      own >= scope ? 100 - own : own - 100,
      one.link === link ? 1 : 0,
      label6(value) === label6(to) ? 1 : 0,
      Math.min(common(value, to), one.length),
    ];
  };
  const candidates = addresses.filter((one) => scope6(one.address.value) !== 2 || one.link === link);
  let best: HostAddress | null = null;
  for (const one of candidates) if (best === null || better(score(one), score(best))) best = one;
  return best?.address.value ?? null;
};

const better = (a: readonly number[], b: readonly number[]): boolean => {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value > other;
  }
  return false;
};

/**
 * The address that the kernel puts into packets that leave by a link for a next hop: what masquerade writes, and the
 * source of the node's own packets where the route names none. null: the link has none; undefined: no dump tells.
 */
export const addressFor = (index: HostIndex, link: string, to: bigint): bigint | null | undefined => {
  const { addresses, family } = index;
  if (addresses === null) return undefined;
  return family === 4 ? select4(index, link, to, 0) : select6(addresses, link, to);
};

/**
 * The address that REDIRECT gives to a packet that came by a link (net/netfilter/nf_nat_redirect.c): its first address,
 * for IPv6 the first of the destination's scope.
 */
export const redirectAddress = (
  { addresses, family }: HostIndex,
  link: string,
  to: bigint,
): bigint | null | undefined => {
  if (addresses === null) return undefined;
  const own = addresses.filter((one) => one.link === link && !one.secondary);
  if (family === 4) return own[0]?.address.value ?? null;
  const scope = scope6(to);
  return (own.find((one) => scope6(one.address.value) === scope) ?? own[0])?.address.value ?? null;
};
