import { ATTRIBUTE } from './constants.ts';

/** One attribute of a message: bytes as they are, or attributes within it. */
export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array | readonly Attribute[];
}

const encoder = new TextEncoder();

/** A text, ended by a zero byte. */
export const text = (type: number, value: string): Attribute => ({ type, value: encoder.encode(`${value}\0`) });

/** A number of 32 bits in network order, as nf_tables has all its numbers. */
export const number32 = (type: number, value: number): Attribute => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value | 0);
  return { type, value: bytes };
};

/** Bytes as they are. */
export const raw = (type: number, value: Uint8Array): Attribute => ({ type, value });

/** Attributes within one. */
export const nested = (type: number, ...value: readonly Attribute[]): Attribute => ({ type, value });

/** Attributes and messages begin at multiples of 4 bytes. */
export const aligned = (bytes: number): number => (bytes + 3) & ~3;

const payloadSize = ({ value }: Attribute): number =>
  value instanceof Uint8Array ? value.length : sizeOfAttributes(value);

/** How many bytes attributes take, each padded. */
export const sizeOfAttributes = (attributes: readonly Attribute[]): number =>
  attributes.reduce((sum, attribute) => sum + aligned(ATTRIBUTE.header + payloadSize(attribute)), 0);

/**
 * Writes attributes at an offset and gives the offset behind them. Their headers are in the order of the machine;
 * x86-64 and arm64 both have the least byte first. `bytes` is large enough ({@link sizeOfAttributes}) and holds zeros
 * there.
 */
export const writeAttributes = (bytes: Uint8Array, at: number, attributes: readonly Attribute[]): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let place = at;
  for (const attribute of attributes) {
    const { type, value } = attribute;
    const isNested = !(value instanceof Uint8Array);
    const length = ATTRIBUTE.header + payloadSize(attribute);
    view.setUint16(place, length, true);
    view.setUint16(place + 2, isNested ? type | ATTRIBUTE.nested : type, true);
    if (isNested) writeAttributes(bytes, place + ATTRIBUTE.header, value);
    else bytes.set(value, place + ATTRIBUTE.header);
    place += aligned(length);
  }
  return place;
};

/** Is told of one attribute: its type, and where its payload begins and ends. */
export type VisitAttribute = (type: number, first: number, end: number) => void;

/**
 * Tells of the attributes that lie between two offsets. False where one claims to be longer than what is there, or
 * shorter than its own header: then those before it have been told, and what was read is to be thrown away.
 */
export const visitAttributes = (view: DataView, from: number, to: number, visit: VisitAttribute): boolean => {
  let at = from;
  while (at < to) {
    if (at + ATTRIBUTE.header > to) return false;
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE.header || at + length > to) return false;
    visit(view.getUint16(at + 2, true) & ATTRIBUTE.typeMask, at + ATTRIBUTE.header, at + length);
    at += aligned(length);
  }
  return true;
};

const decoder = new TextDecoder('utf-8', { fatal: false });

/** A text up to its zero byte, or to the attribute's end where there is none. */
export const readText = (view: DataView, first: number, end: number): string => {
  let last = first;
  while (last < end && view.getUint8(last) !== 0) last += 1;
  return decoder.decode(new Uint8Array(view.buffer, view.byteOffset + first, last - first));
};

/** A number of 32 bits, without sign; null where the attribute has another length. */
export const readNumber32 = (view: DataView, first: number, end: number): number | null =>
  end - first === 4 ? view.getUint32(first) : null;
