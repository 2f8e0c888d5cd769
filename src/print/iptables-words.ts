import { formatAddress } from '../net/address.ts';
import { WIDTH, type Family } from '../net/family.ts';
import type { AddressMask, Inverted, NumberRange, WrittenOption } from '../ruleset/iptables/match.ts';

/**
 * A word as iptables-restore reads it: in quotes where it holds anything that could mean something (libxtables,
 * xtables_save_string).
 */
export const quoted = (word: string): string =>
  /^[A-Za-z0-9_.,:/@%+=-]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;

/** `! --option value`. */
export const option = (negate: boolean, name: string, ...values: readonly string[]): string =>
  [...(negate ? ['!'] : []), name, ...values].join(' ');

/** An option that may not be there. */
export const inverted = <T>(name: string, part: Inverted<T> | null, print: (value: T) => string): readonly string[] =>
  part === null ? [] : [option(part.negate, name, print(part.value))];

/** Options of modules that are kept as they are written. */
export const writtenOptions = (options: readonly WrittenOption[]): readonly string[] =>
  options.map(({ name, negate, values }) => option(negate, name, ...values.map(quoted)));

/** `80`, `80:90`. */
export const printRange = ({ first, last }: NumberRange, between = ':'): string =>
  first === last ? `${first}` : `${first}${between}${last}`;

/** A mark as iptables writes it. */
export const hex = (value: number): string => `0x${value.toString(16)}`;

const addressText = (family: Family, value: bigint): string => formatAddress({ family, value });

/** `192.0.2.0/24`, or with the mask as an address where it is no prefix. */
export const printAddressMask = ({ family, address, mask }: AddressMask): string => {
  const width = WIDTH[family];
  const hosts = ((1n << BigInt(width)) - 1n) ^ mask;
  const isPrefix = (hosts & (hosts + 1n)) === 0n;
  const length = isPrefix ? `${width - (hosts === 0n ? 0 : hosts.toString(2).length)}` : addressText(family, mask);
  return `${addressText(family, address)}/${length}`;
};

/** `10.0.0.1` or `10.0.0.1-10.0.0.9`. */
export const printAddressRange = (range: {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}): string => {
  const first = addressText(range.family, range.first);
  return range.first === range.last ? first : `${first}-${addressText(range.family, range.last)}`;
};
