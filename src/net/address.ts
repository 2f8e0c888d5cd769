import { error, fail, ok, type Diagnostic, type Result, type Span } from '../diagnostic/diagnostic.ts';
import type { Family } from './family.ts';
import { plainIPv4, plainIPv6 } from './plain-address.ts';

/** One IPv4 or IPv6 address as a number. */
export interface Address {
  readonly family: Family;
  /** 32 or 128 bits. */
  readonly value: bigint;
}

/**
 * Reads one address, strictly: no leading zeros, no short IPv4 forms, no zone, no IPv4-mapped IPv6, nothing around it.
 * Problems carry their position in `text`.
 */
export const parseAddress = (text: string): Result<Address> => {
  if (text.includes(':')) {
    const plain = plainIPv6(text);
    return plain === null ? parseIPv6(text) : ok({ family: 6, value: plain });
  }
  const plain = plainIPv4(text);
  return plain === -1 ? parseIPv4(text) : ok({ family: 4, value: BigInt(plain) });
};

const bad = (code: string, message: string, span: Span, hint: string) => fail(error(code, message, span, hint));
const whole = (text: string): Span => ({ start: 0, end: text.length });

/** A decimal number of an IPv4 address or a mask, or what is wrong with it. */
const decimalProblem = (digits: string, span: Span, text: string): Diagnostic | null => {
  if (digits === '')
    return error(
      'address-empty-part',
      `a number is missing in ${text}`,
      span,
      'An IPv4 address has four numbers from 0 to 255: 192.0.2.1',
    );
  if (!/^[0-9]+$/.test(digits))
    return error(
      'address-not-a-number',
      `${show(digits)} is not a decimal number`,
      span,
      'An IPv4 address has four decimal numbers: 192.0.2.1',
    );
  if (digits.length > 1 && digits.startsWith('0'))
    return error(
      'address-leading-zero',
      `a leading zero in ${text}`,
      span,
      `Some programs read ${digits} as octal; write ${digits.replace(/^0+(?=.)/, '')} if it is decimal`,
    );
  if (digits.length > 3 || Number(digits) > 255)
    return error(
      'address-number-too-large',
      `${show(digits)} is larger than 255`,
      span,
      'Each of the four numbers goes from 0 to 255',
    );
  return null;
};

/** Hostile input may be long: never more than a few characters of it in a message. */
const show = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 37)}...` : text);

const parseIPv4 = (text: string): Result<Address> => {
  if (text.length > 64 || !/^[0-9.]+$/.test(text)) {
    if (text === '')
      return bad('address-empty', 'an address is missing', whole(text), 'For example 192.0.2.1 or 2001:db8::1');
    if (/\s/.test(text))
      return bad('address-space', 'there is a space in the address', spanOf(text, /\s+/), 'Remove it');
    return bad(
      'address-syntax',
      `${show(text)} is not an address`,
      whole(text),
      'Write an IPv4 address such as 192.0.2.1 or an IPv6 address such as 2001:db8::1',
    );
  }
  const parts = text.split('.');
  if (parts.length !== 4)
    return bad(
      'address-short-form',
      `${show(text)} has ${parts.length} ${parts.length === 1 ? 'part' : 'parts'} instead of four`,
      whole(text),
      'Short forms mean different addresses to different programs; write all four numbers: 192.0.2.1',
    );
  let value = 0n;
  let start = 0;
  for (const part of parts) {
    const problem = decimalProblem(part, { start, end: start + part.length }, text);
    if (problem !== null) return fail(problem);
    value = (value << 8n) | BigInt(part);
    start += part.length + 1;
  }
  return ok({ family: 4, value });
};

const spanOf = (text: string, pattern: RegExp): Span => {
  const found = pattern.exec(text);
  return found === null ? whole(text) : { start: found.index, end: found.index + found[0].length };
};

/** Four of the eight groups from `start` on as 64 bits; what the gap leaves out is zero. */
const wordOf = (groups: readonly (number | null)[], gap: number, start: number): bigint => {
  const left = 9 - groups.length;
  const at = (place: number): number =>
    (gap === -1 || place < gap ? groups[place] : place < gap + left ? 0 : groups[place - left + 1]) ?? 0;
  const [high, low] = [at(start) * 65_536 + at(start + 1), at(start + 2) * 65_536 + at(start + 3)];
  return (BigInt(high) << 32n) | BigInt(low);
};

const parseIPv6 = (text: string): Result<Address> => {
  if (text.length > 64)
    return bad(
      'address-syntax',
      `${show(text)} is not an address`,
      whole(text),
      'An IPv6 address has eight groups at most',
    );
  if (text.includes('%'))
    return bad(
      'address-zone',
      'an address with a zone belongs to one link only',
      spanOf(text, /%.*/),
      'Leave the zone out',
    );
  if (/\s/.test(text)) return bad('address-space', 'there is a space in the address', spanOf(text, /\s+/), 'Remove it');
  const halves = text.split('::');
  if (halves.length > 2)
    return bad(
      'address-two-gaps',
      'there are two "::" in the address',
      { start: text.lastIndexOf('::'), end: text.lastIndexOf('::') + 2 },
      'Only one run of zeros can be left out',
    );
  const groups: (number | null)[] = [];
  let offset = 0;
  for (const [index, half] of halves.entries()) {
    if (index === 1) {
      groups.push(null);
      offset = text.indexOf('::') + 2;
    }
    for (const group of half === '' && halves.length === 2 ? [] : half.split(':')) {
      const span = { start: offset, end: offset + group.length };
      const last = span.end === text.length;
      if (last && group.includes('.')) {
        const tail = parseIPv4(group);
        if (!tail.ok)
          return fail(
            ...tail.problems.map((problem) => ({
              ...problem,
              span: {
                start: span.start + (problem.span?.start ?? 0),
                end: span.start + (problem.span?.end ?? group.length),
              },
            })),
          );
        groups.push(Number(tail.value.value >> 16n), Number(tail.value.value & 0xffffn));
      } else if (!/^[0-9a-fA-F]{1,4}$/.test(group)) {
        return bad(
          'address-bad-group',
          group === ''
            ? 'a group is missing in the address'
            : `${show(group)} is no group of one to four hexadecimal digits`,
          span,
          'For example 2001:db8::1',
        );
      } else groups.push(Number.parseInt(group, 16));
      offset = span.end + 1;
    }
  }
  const gap = groups.indexOf(null);
  const given = gap === -1 ? groups.length : groups.length - 1;
  if (gap === -1 ? given !== 8 : given > 7)
    return bad(
      'address-group-count',
      `the address has ${given} groups instead of eight`,
      whole(text),
      gap === -1 ? 'Write eight groups, or "::" for a run of zeros' : '"::" stands for at least one group of zeros',
    );
  const value = (wordOf(groups, gap, 0) << 64n) | wordOf(groups, gap, 4);
  if (value >> 32n === 0xffffn)
    return bad(
      'address-ipv4-mapped',
      'this is an IPv4 address mapped into IPv6',
      whole(text),
      `Packets never carry it; write ${formatIPv4(value & 0xffff_ffffn)}`,
    );
  return ok({ family: 6, value });
};

const formatIPv4 = (value: bigint): string => {
  const number = Number(value);
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`;
};

/** The longest run of two or more zero groups, the first of equals, becomes "::" (RFC 5952, 4.2). */
const formatIPv6 = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.length < 2) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
};

/** The canonical text: dotted decimal, or RFC 5952. */
export const formatAddress = ({ family, value }: Address): string =>
  family === 4 ? formatIPv4(value) : formatIPv6(value);

/**
 * An address with a port, or with what else stands behind the colon: `192.0.2.1:80`, `[2001:db8::1]:80/tcp` (RFC 3986,
 * 3.2.2).
 */
export const withPort = (address: Address, port: string | number): string => {
  const text = formatAddress(address);
  return `${address.family === 6 ? `[${text}]` : text}:${port}`;
};
