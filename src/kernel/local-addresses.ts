import { readFileSync } from 'node:fs';
import { parseAddress, type Address } from '../net/address.ts';
import { addressSet, hasAddress } from '../net/address-set.ts';
import type { Family } from '../net/family.ts';
import { networkOf, type Prefix } from '../net/prefix.ts';

/**
 * A type `LOCAL` below a leaf of /proc/net/fib_trie: this node's own addresses (net/ipv4/fib_trie.c,
 * fib_trie_seq_show).
 */
export const readFibTrie = (text: string): readonly Prefix[] => {
  const prefixes: Prefix[] = [];
  let leaf = '';
  for (const line of text.split('\n')) {
    leaf = /\|-- (\S+)/.exec(line)?.[1] ?? leaf;
    const length = /^\s*\/(\d+) \S+ LOCAL/.exec(line)?.[1];
    const address = length === undefined ? null : parseAddress(leaf);
    if (address?.ok === true) prefixes.push(networkOf(address.value, Number(length)));
  }
  return prefixes;
};

/** RTF_LOCAL (include/uapi/linux/ipv6_route.h). */
const LOCAL_ROUTE = 0x8000_0000n;

/**
 * Lines of /proc/net/ipv6_route with the flag `local` (net/ipv6/route.c, rt6_info_route): destination, its length and,
 * ninth, the flags, all in hex.
 */
export const readIpv6Routes = (text: string): readonly Prefix[] =>
  text.split('\n').flatMap((line) => {
    const [destination = '', length = '', , , , , , , flags = ''] = line.trim().split(/\s+/);
    return /^[0-9a-f]{32}$/.test(destination) && (BigInt(`0x${flags}`) & LOCAL_ROUTE) !== 0n
      ? [networkOf({ family: 6, value: BigInt(`0x${destination}`) }, Number.parseInt(length, 16))]
      : [];
  });

const readProc = (name: string): string => {
  try {
    return readFileSync(`/proc/net/${name}`, 'utf8');
  } catch {
    // Without IPv6 in the kernel there is no such file.
    return '';
  }
};

/** 127.0.0.0/8, whether the loopback interface is up or not. */
const LOOPBACK: Prefix = { family: 4 satisfies Family, address: 0x7f00_0000n, length: 8 };

/**
 * Tells the addresses that the kernel counts as this node's own: all that its routing tables deliver locally, networks
 * included.
 */
export const localAddresses = (): ((address: Address) => boolean) => {
  const own = addressSet([LOOPBACK, ...readFibTrie(readProc('fib_trie')), ...readIpv6Routes(readProc('ipv6_route'))]);
  return (address) => hasAddress(own, address);
};
