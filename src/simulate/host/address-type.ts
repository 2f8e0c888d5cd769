import {
  difference,
  emptySet,
  intersection,
  isEmpty,
  setOfPrefixes,
  setOfRanges,
  union,
  type PrefixSet,
} from '../../net/prefix-set.ts';
import { fibLookup, fibPartition, type FibKey, type FibResult } from './fib.ts';
import type { HostIndex } from './host-index.ts';

const ANY: FibKey = { source: null, mark: 0n, in: 'lo', protocol: 0, sourcePort: null, destinationPort: null };

const MULTICAST = { 4: [0xe000_0000n, 0xefff_ffffn], 6: [0xffn << 120n, (1n << 128n) - 1n] } as const;

const isMulticast = (family: 4 | 6, address: bigint): boolean => {
  const [first, last] = MULTICAST[family];
  return address >= first && address <= last;
};

/**
 * IPv4 asks the local table alone (net/ipv4/fib_frontend.c, __inet_dev_addr_type); a type counts only on its own device
 * where one is demanded.
 */
const typeOf4 = (index: HostIndex, address: bigint, device: string | null): string | undefined => {
  if (address >> 24n === 0n || address === 0xffff_ffffn) return 'broadcast';
  if (isMulticast(4, address)) return 'multicast';
  if (index.tables === null && index.addresses === null) return undefined;
  const table = index.tables?.get('local');
  for (const length of table?.lengths ?? []) {
    const host = BigInt(32 - length);
    const route = table?.byLength.get(length)?.get((address >> host) << host)?.[0];
    if (route !== undefined) return device === null || route.device === device ? route.type : 'unicast';
  }
  if (table !== undefined) return 'unicast';
  const own = index.addresses?.find((one) => one.address.value === address);
  return own !== undefined && (device === null || own.link === device) ? 'local' : 'unicast';
};

/** IPv6 asks for the whole route (net/ipv6/netfilter/nft_fib_ipv6.c, __nft_fib6_eval_type). */
const typeOf6 = (result: FibResult, device: string | null): string | undefined => {
  if (result.kind === 'unknown') return undefined;
  if (result.kind === 'none') return 'unreachable';
  const { type, device: at } = result.route;
  if (device !== null && at !== device) return 'unicast';
  return type === 'local' || type === 'anycast' ? type : 'unicast';
};

/** The type of an address as rules ask for it, on a device where one is demanded; undefined: cannot be told. */
export const addressType = (index: HostIndex, address: bigint, device: string | null): string | undefined => {
  if (index.family === 4) return typeOf4(index, address, device);
  if (isMulticast(6, address)) return 'multicast';
  if (address === 0n) return 'unspec';
  const [found] = fibLookup(index, address, { ...ANY, in: device ?? 'lo' }, null);
  return found === undefined ? undefined : typeOf6(found.result, device);
};

/** The same for a set of addresses: which of them are of which type. */
export const typeParts = (
  index: HostIndex,
  set: PrefixSet,
  device: string | null,
): readonly { readonly set: PrefixSet; readonly type: string | undefined }[] => {
  const { family } = index;
  const byType = new Map<string | undefined, PrefixSet>();
  const add = (part: PrefixSet, type: string | undefined): void => {
    if (!isEmpty(part)) byType.set(type, union(byType.get(type) ?? emptySet(family), part));
  };
  const [first, last] = MULTICAST[family];
  const special = (ranges: readonly { first: bigint; last: bigint }[]): PrefixSet => setOfRanges(family, ranges);
  const [many, broad, none] = [
    special([{ first, last }]),
    family === 4
      ? special([
          { first: 0n, last: 0xff_ffffn },
          { first: 0xffff_ffffn, last: 0xffff_ffffn },
        ])
      : emptySet(family),
    family === 6 ? special([{ first: 0n, last: 0n }]) : emptySet(family),
  ];
  add(intersection(set, many), 'multicast');
  add(intersection(set, broad), 'broadcast');
  add(intersection(set, none), 'unspec');
  const rest = without(set, union(union(many, broad), none));
  if (family === 6) {
    for (const part of fibPartition(index, rest, ANY)) add(part.set, typeOf6(part.result, device));
  } else {
    let left = rest;
    for (const part of localParts(index)) {
      const here = intersection(left, part.set);
      if (isEmpty(here)) continue;
      left = without(left, here);
      add(here, device === null || part.device === device ? part.type : 'unicast');
    }
    add(left, index.tables === null && index.addresses === null ? undefined : 'unicast');
  }
  return [...byType].map(([type, part]) => ({ set: part, type }));
};

const without = (a: PrefixSet, b: PrefixSet): PrefixSet => (isEmpty(b) ? a : difference(a, b));

interface LocalPart {
  readonly set: PrefixSet;
  readonly type: string;
  readonly device: string | null;
}

/** The local table, the longest prefixes first. */
const localParts = ({ tables, addresses, family }: HostIndex): readonly LocalPart[] => {
  const table = tables?.get('local');
  if (table === undefined)
    return (addresses ?? []).map(({ address, link }) => ({
      set: setOfRanges(family, [{ first: address.value, last: address.value }]),
      type: 'local',
      device: link,
    }));
  return table.lengths.flatMap((length) =>
    [...(table.byLength.get(length)?.values() ?? [])].flatMap(([route]) =>
      route === undefined ? [] : [{ set: setOfPrefixes(family, [route.to]), type: route.type, device: route.device }],
    ),
  );
};
