import { parseAddress, type Address } from '../../net/address.ts';
import { LAST, WIDTH, type Family } from '../../net/family.ts';
import { maskOf } from '../../net/prefix.ts';
import type { AddressMask, NumberRange } from '../../ruleset/iptables/match.ts';

/**
 * An address as the kernel's tools print it, or null. It accepts more than people may write in a policy: IPv4-mapped
 * IPv6 is valid, because rules can hold it.
 */
export const readAddress = (text: string): Address | null => {
  const quick = fastIPv4(text, text.length);
  if (quick !== -1) return { family: 4, value: BigInt(quick) };
  const parsed = parseAddress(text);
  if (parsed.ok) return parsed.value;
  const mapped = /^(?:0*:){0,5}:?ffff:(.+)$/i.exec(text);
  if (mapped === null || mapped[1] === undefined || !text.includes('::')) return null;
  const tail = parseAddress(`::${mapped[1]}`);
  return tail.ok && tail.value.value < 1n << 32n ? { family: 6, value: (0xffffn << 32n) | tail.value.value } : null;
};

/**
 * The number of four decimal numbers between two positions of a text; -1 for any other text. A dump holds 100,000 of
 * them.
 */
const fastIPv4 = (text: string, to: number): number => {
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === 46) {
      if (digits === 0 || part > 255) return -1;
      value = value * 256 + part;
      part = 0;
      digits = 0;
      dots++;
    } else if (code >= 48 && code <= 57 && (digits === 0 || part > 0)) {
      part = part * 10 + code - 48;
      digits++;
    } else return -1;
  }
  return dots === 3 && digits > 0 && digits < 4 && part <= 255 ? value * 256 + part : -1;
};

const V4_MASKS: readonly bigint[] = Array.from({ length: 33 }, (_, length) => maskOf(4, length));
const V4_ALL = LAST[4];

const DIGITS = /^(?:0|[1-9][0-9]*)$/;

/**
 * `192.0.2.0/24`, `192.0.2.1`, `192.0.2.0/255.255.255.0`, also with a mask that is no prefix; null for any other text.
 */
export const readAddressMask = (text: string): AddressMask | null => {
  const slash = text.indexOf('/');
  const quick = fastIPv4(text, slash === -1 ? text.length : slash);
  if (quick !== -1 && (slash === -1 || text.endsWith('/32')))
    return { family: 4, address: BigInt(quick), mask: V4_ALL };
  const address =
    quick !== -1
      ? ({ family: 4, value: BigInt(quick) } as const)
      : readAddress(slash === -1 ? text : text.slice(0, slash));
  if (address === null) return null;
  const { family, value } = address;
  if (slash === -1) return { family, address: value, mask: LAST[family] };
  const written = text.slice(slash + 1);
  let mask: bigint;
  if (DIGITS.test(written)) {
    const length = Number(written);
    if (length > WIDTH[family]) return null;
    mask = family === 4 ? (V4_MASKS[length] ?? 0n) : maskOf(family, length);
  } else {
    const parsed = readAddress(written);
    if (parsed?.family !== family) return null;
    mask = parsed.value;
  }
  return { family, address: value & mask, mask };
};

/** `10.0.0.1` or `10.0.0.1-10.0.0.9`; null for any other text. */
export const readAddressRange = (
  text: string,
): { readonly family: Family; readonly first: bigint; readonly last: bigint } | null => {
  const dash = text.indexOf('-');
  const first = readAddress(dash === -1 ? text : text.slice(0, dash));
  const last = dash === -1 ? first : readAddress(text.slice(dash + 1));
  if (first === null || last === null || first.family !== last.family || last.value < first.value) return null;
  return { family: first.family, first: first.value, last: last.value };
};

/** A number, decimal or hexadecimal, up to `most`; null for any other text. */
export const readNumber = (text: string, most = 0xffff_ffff): number | null => {
  if (!/^(?:[0-9]+|0x[0-9a-fA-F]+)$/.test(text)) return null;
  const value = Number(text);
  return value <= most ? value : null;
};

/** `80`, `80:90`, `:90`, `80:` (with another sign between, where the tool uses one); null for any other text. */
export const readRange = (text: string, most = 65_535, between = ':'): NumberRange | null => {
  const at = text.indexOf(between);
  if (at === -1) {
    const value = readNumber(text, most);
    return value === null ? null : { first: value, last: value };
  }
  const first = at === 0 ? 0 : readNumber(text.slice(0, at), most);
  const last = at === text.length - 1 ? most : readNumber(text.slice(at + 1), most);
  return first === null || last === null || last < first ? null : { first, last };
};

/** `0x4000/0x4000`, `16384`: a value and its mask (all bits where none is given). */
export const readMasked = (text: string): { readonly value: number; readonly mask: number } | null => {
  const slash = text.indexOf('/');
  const value = readNumber(slash === -1 ? text : text.slice(0, slash));
  const mask = slash === -1 ? 0xffff_ffff : readNumber(text.slice(slash + 1));
  return value === null || mask === null ? null : { value, mask };
};

/**
 * Protocol numbers by the names of /etc/protocols that iptables-save prints. All parsers of iptables and similar tools
 * share them.
 */
export const PROTOCOL_BY_NAME: ReadonlyMap<string, number> = new Map([
  ['all', 0],
  ['ip', 0],
  ['icmp', 1],
  ['igmp', 2],
  ['ipencap', 4],
  ['ipip', 4],
  ['tcp', 6],
  ['egp', 8],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['ipv6-route', 43],
  ['ipv6-frag', 44],
  ['gre', 47],
  ['esp', 50],
  ['ipv6-crypt', 50],
  ['ah', 51],
  ['ipv6-auth', 51],
  ['ipv6-icmp', 58],
  ['icmpv6', 58],
  ['icmp6', 58],
  ['ipv6-nonxt', 59],
  ['ipv6-opts', 60],
  ['ospf', 89],
  ['ospfigp', 89],
  ['pim', 103],
  ['vrrp', 112],
  ['l2tp', 115],
  ['sctp', 132],
  ['mobility-header', 135],
  ['ipv6-mh', 135],
  ['udplite', 136],
]);

/** A protocol by name or number; null when it is none. */
export const readProtocol = (text: string): number | null =>
  PROTOCOL_BY_NAME.get(text) ?? PROTOCOL_BY_NAME.get(text.toLowerCase()) ?? readNumber(text, 255);
