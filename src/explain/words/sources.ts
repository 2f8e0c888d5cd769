import { rangeTexts } from '../../net/range-text.ts';
import { formatAddress } from '../../net/address.ts';
import { countAddresses, type AddressSet } from '../../net/address-set.ts';
import { WIDTH, type Family } from '../../net/family.ts';
import { formatPrefix, type Prefix } from '../../net/prefix.ts';
import { countPrefixes } from '../../net/count-prefixes.ts';
import { complement, isEmpty, prefixes, type PrefixSet } from '../../net/prefix-set.ts';
import { grouped } from './number-words.ts';

/** `198.51.100.0/30`; one address without its length. */
export const prefixText = (prefix: Prefix): string =>
  prefix.length === WIDTH[prefix.family]
    ? formatAddress({ family: prefix.family, value: prefix.address })
    : formatPrefix(prefix);

const listOf = (set: PrefixSet, most: number): string => {
  const shown = [...prefixes(set).take(most)].map(prefixText);
  const more = countPrefixes(set) - shown.length;
  return shown.join(', ') + (more === 0 ? '' : ` and ${more} more`);
};

type Part = { readonly kind: 'none' | 'all' } | { readonly kind: 'list' | 'all-but'; readonly text: string };

const partOf = (set: PrefixSet, most: number): Part => {
  if (isEmpty(set)) return { kind: 'none' };
  const rest = complement(set);
  if (isEmpty(rest)) return { kind: 'all' };
  return rest.size < set.size || (rest.size === set.size && isLargerPart(set))
    ? { kind: 'all-but', text: listOf(rest, most) }
    : { kind: 'list', text: listOf(set, most) };
};

/**
 * Whether a set holds more of the address space than its complement, nearly enough. Of two with equally many ranges,
 * the larger one is told as "everything but" the other.
 */
const isLargerPart = (set: PrefixSet): boolean => {
  let share = 0;
  let rest = 0;
  for (const { length } of prefixes(set)) share += 1 / 2 ** Math.min(length, 60);
  for (const { length } of prefixes(complement(set))) rest += 1 / 2 ** Math.min(length, 60);
  return share > rest;
};

const familyText = (family: Family, part: Part): string => {
  switch (part.kind) {
    case 'none':
      return '';
    case 'all':
      return family === 4 ? 'all IPv4' : 'all IPv6';
    case 'all-but':
      return `all IPv${family} but ${part.text}`;
    case 'list':
      return part.text;
  }
};

/**
 * A set of addresses in words: `198.51.100.0/30, 2001:db8::/48`, `everyone but 10.0.0.0/8`, `all IPv6`. At most `most`
 * prefixes of each family are named.
 */
export const describeSources = (set: AddressSet, most = 4): string => {
  const [v4, v6] = [partOf(set.v4, most), partOf(set.v6, most)];
  if (v4.kind === 'none' && v6.kind === 'none') return 'nobody';
  if (v4.kind === 'all' && v6.kind === 'all') return 'everyone';
  const isWide = ({ kind }: Part): boolean => kind === 'all' || kind === 'all-but';
  if (isWide(v4) && isWide(v6)) {
    const except = [v4, v6].flatMap((part) => (part.kind === 'all-but' ? [part.text] : []));
    return `everyone but ${except.join(', ')}`;
  }
  return [familyText(4, v4), familyText(6, v6)].filter((text) => text !== '').join(', ');
};

/**
 * The number of addresses where it says something: `4 addresses`. null for nobody, for more than a /8 of IPv4 and for
 * any IPv6.
 */
export const describeCount = (set: AddressSet): string | null => {
  if (!isEmpty(set.v6)) return null;
  const count = countAddresses(set);
  return count === 0n || count > 1n << 24n ? null : count === 1n ? '1 address' : `${grouped(count)} addresses`;
};

/** The ranges of each family of a set, for data formats. They are made while they are written. */
export const familyTexts = ({
  v4,
  v6,
}: AddressSet): { readonly ipv4: Iterable<string>; readonly ipv6: Iterable<string> } => ({
  ipv4: rangeTexts(v4),
  ipv6: rangeTexts(v6),
});
