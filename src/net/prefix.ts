import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { formatAddress, parseAddress, type Address } from './address.ts';
import { LAST, WIDTH, type Family } from './family.ts';

/** A network: the first `length` bits of `address` are fixed, the others are zero. */
export interface Prefix {
  readonly family: Family;
  /** 32 or 128 bits. */
  readonly address: bigint;
  /** 0..32 or 0..128. */
  readonly length: number;
}

/** Addresses from `first` to `last`, both ends included. */
export interface Range {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

/** The range of addresses that a prefix stands for. */
export const rangeOf = ({ family, address, length }: Prefix): Range => ({
  family,
  first: address,
  last: address | hostMask(family, length),
});

const hostMask = (family: Family, length: number): bigint => (1n << BigInt(WIDTH[family] - length)) - 1n;

/** The network of `length` bits (0..32 or 0..128) in which an address lies. */
export const networkOf = ({ family, value }: Address, length: number): Prefix => ({
  family,
  address: value & ~hostMask(family, length),
  length,
});

/** The canonical text: `203.0.113.0/24`. */
export const formatPrefix = ({ family, address, length }: Prefix): string =>
  `${formatAddress({ family, value: address })}/${length}`;

/**
 * Reads one prefix, strictly: an address as {@link parseAddress} reads it, a slash, a mask length without leading
 * zeros, and no host bits. Problems carry their position in `text`.
 */
export const parsePrefix = (text: string): Result<Prefix> => {
  const slash = text.indexOf('/');
  const parsed = parseAddress(slash === -1 ? text : text.slice(0, slash));
  if (!parsed.ok) return parsed;
  const { family, value } = parsed.value;
  const width = WIDTH[family];
  if (slash === -1)
    return fail(
      error(
        'prefix-without-length',
        `${text} is an address, not a prefix`,
        { start: 0, end: text.length },
        `Write ${text}/${width} for this one address`,
      ),
    );
  const mask = text.slice(slash + 1);
  const span = { start: slash + 1, end: Math.max(text.length, slash + 2) };
  const wrong = (code: string, message: string, hint: string) => fail(error(code, message, span, hint));
  if (!/^[0-9]{1,4}$/.test(mask))
    return wrong(
      'mask-not-a-number',
      'the mask length is not a number',
      `Write the number of fixed bits, from 0 to ${width}: ${formatAddress(parsed.value)}/${width}`,
    );
  if (mask.length > 1 && mask.startsWith('0'))
    return wrong('mask-leading-zero', 'the mask length has a leading zero', `Write /${Number(mask)}`);
  const length = Number(mask);
  if (length > width)
    return wrong(
      'mask-too-long',
      `a mask length of ${length} is out of range`,
      `An IPv${family} prefix has 0 to ${width} bits`,
    );
  const hostBits = value & hostMask(family, length);
  if (hostBits !== 0n) {
    const network = formatPrefix({ family, address: value ^ hostBits, length });
    return fail(
      error(
        'host-bits-set',
        `host bits are set in ${text}`,
        { start: 0, end: text.length },
        `Did you mean the network ${network} or the one address ${formatAddress(parsed.value)}/${width}?`,
      ),
    );
  }
  return ok({ family, address: value, length });
};

/** The mask of a prefix: its first `length` bits. */
export const maskOf = (family: Family, length: number): bigint =>
  LAST[family] ^ ((1n << BigInt(WIDTH[family] - length)) - 1n);
