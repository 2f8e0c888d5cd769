import { between, single, type DataType, type Value } from '../ruleset/values/data-type.ts';

/**
 * The data types whose values lie in a key as on the wire, first byte first, with their widths in bytes (nft's
 * datatype.c). Others, such as marks and interface indexes, lie in the order of the machine, and no set of ours has
 * them.
 */
const WIDTH = { ipv4_addr: 4, ipv6_addr: 16, inet_proto: 1, inet_service: 2 } as const satisfies Partial<
  Record<DataType, number>
>;

type WireType = keyof typeof WIDTH;

const isWireType = (type: DataType): type is WireType => type in WIDTH;

/**
 * Each field of a concatenation begins at a multiple of 4 bytes (NFT_REG32_SIZE); a key of one field has just its
 * width.
 */
const padded = (width: number): number => (width + 3) & ~3;

/** How the fields of a key lie in its bytes. */
export interface KeyLayout {
  readonly types: readonly WireType[];
  /** Bytes of the whole key. */
  readonly width: number;
}

/** The layout of keys of some types; null where one of them is not laid out as on the wire. */
export const keyLayout = (types: readonly DataType[]): KeyLayout | null => {
  if (types.length === 0 || !types.every(isWireType)) return null;
  const [only] = types;
  const width =
    types.length === 1 && only !== undefined ? WIDTH[only] : types.reduce((sum, type) => sum + padded(WIDTH[type]), 0);
  return { types, width };
};

/** Writes a number of `width` bytes at an offset, first byte first. False where it has more bits. */
export const writeNumber = (bytes: Uint8Array, at: number, width: number, value: bigint): boolean => {
  if (value < 0n || value >> BigInt(8 * width) !== 0n) return false;
  let rest = value;
  for (let index = width - 1; index >= 0; index -= 1) {
    bytes[at + index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return true;
};

/** Reads a number of `width` bytes, first byte first. */
export const readNumber = (bytes: Uint8Array, at: number, width: number): bigint => {
  if (width <= 4) {
    let small = 0;
    for (let index = 0; index < width; index += 1) small = small * 256 + (bytes[at + index] ?? 0);
    return BigInt(small);
  }
  return (readNumber(bytes, at, width - 4) << 32n) | readNumber(bytes, at + width - 4, 4);
};

/** A key, or from where to where the keys of a range go; the two are the same bytes where every field is one value. */
export interface KeyBytes {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
  readonly isRange: boolean;
}

/** The bytes of a key; null where it does not fit its layout: another number of fields, a name, a number too large. */
export const keyBytes = ({ types, width }: KeyLayout, key: readonly Value[]): KeyBytes | null => {
  if (key.length !== types.length) return null;
  const [first, last] = [new Uint8Array(width), new Uint8Array(width)];
  let at = 0;
  let isRange = false;
  for (const [index, type] of types.entries()) {
    const value = key[index];
    if (value?.kind !== 'range' || value.last < value.first) return null;
    if (!writeNumber(first, at, WIDTH[type], value.first) || !writeNumber(last, at, WIDTH[type], value.last))
      return null;
    isRange ||= value.first !== value.last;
    at += padded(WIDTH[type]);
  }
  return { first, last, isRange };
};

/** The key that bytes stand for; null where they have another width. */
export const readKey = (
  { types, width }: KeyLayout,
  first: Uint8Array,
  last: Uint8Array = first,
): readonly Value[] | null => {
  if (first.length !== width || last.length !== width) return null;
  let at = 0;
  return types.map((type) => {
    const [low, high] = [readNumber(first, at, WIDTH[type]), readNumber(last, at, WIDTH[type])];
    at += padded(WIDTH[type]);
    return low === high ? single(low) : between(low, high);
  });
};
