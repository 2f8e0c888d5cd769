import { aligned, nested, raw, sizeOfAttributes, text, type Attribute } from './attribute.ts';
import { ATTRIBUTE, FAMILY_NUMBER, FLAG, MESSAGE, NFTA } from './constants.ts';
import { nftables, type Message } from './message.ts';
import type { Verdict } from '../ruleset/values/verdict.ts';
import { verdictData } from './verdict.ts';

/** A set or map of a table. */
export interface SetPlace {
  readonly family: keyof typeof FAMILY_NUMBER;
  readonly table: string;
  readonly set: string;
}

/** Keys of one width one after the other, without anything between them. */
export interface PackedKeys {
  /** Bytes of one key. */
  readonly width: number;
  readonly bytes: Uint8Array;
}

/** An element of a set or of a verdict map. */
export interface Element {
  readonly key: Uint8Array;
  /** The last key of a range, in sets of concatenated intervals. */
  readonly last?: Uint8Array;
  readonly verdict?: Verdict;
}

/**
 * add: an element that is there already changes nothing. delete: one that is not there is an error, and nothing is
 * changed.
 */
export type ElementChange = 'add' | 'delete';

const place = ({ table, set }: SetPlace): readonly Attribute[] => [
  text(NFTA.elementList.table, table),
  text(NFTA.elementList.set, set),
];

const message = (where: SetPlace, change: ElementChange, list: Attribute): Message => ({
  type: nftables(change === 'add' ? MESSAGE.newElements : MESSAGE.deleteElements),
  flags: FLAG.request | (change === 'add' ? FLAG.create : 0),
  family: FAMILY_NUMBER[where.family],
  attributes: [...place(where), list],
});

/** An attribute's length has 16 bits, its header taken off. */
const MOST_BYTES = ATTRIBUTE.longest - ATTRIBUTE.header;

/** Headers of an element of nothing but a key: the element, its key, the key's value. */
const HEADERS = 3 * ATTRIBUTE.header;

/** Packed keys as elements: written straight into bytes, for a list of a million. */
const packedList = ({ width, bytes }: PackedKeys, from: number, to: number): Uint8Array => {
  const each = HEADERS + aligned(width);
  const list = new Uint8Array((to - from) * each);
  const view = new DataView(list.buffer);
  const header = (at: number, length: number, type: number): void => {
    view.setUint16(at, length, true);
    view.setUint16(at + 2, type, true);
  };
  for (let index = from, at = 0; index < to; index += 1, at += each) {
    header(at, each, NFTA.list.element | ATTRIBUTE.nested);
    header(at + 4, each - ATTRIBUTE.header, NFTA.element.key | ATTRIBUTE.nested);
    header(at + 8, ATTRIBUTE.header + width, NFTA.data.value);
    list.set(bytes.subarray(index * width, (index + 1) * width), at + HEADERS);
  }
  return list;
};

/** The messages that add keys to a set, or delete them from it: as many in each as an attribute can hold. */
export const changeKeys = (where: SetPlace, change: ElementChange, keys: PackedKeys): readonly Message[] => {
  const count = keys.bytes.length / keys.width;
  const most = Math.floor(MOST_BYTES / (HEADERS + aligned(keys.width)));
  return Array.from({ length: Math.ceil(count / most) }, (_, index) => {
    const list = packedList(keys, index * most, Math.min(count, (index + 1) * most));
    return message(where, change, raw(NFTA.elementList.elements | ATTRIBUTE.nested, list));
  });
};

const keyOf = (type: number, bytes: Uint8Array): Attribute => nested(type, raw(NFTA.data.value, bytes));

/** null: its verdict is none that a map can hold. A deletion names the key alone. */
const elementOf = (change: ElementChange, { key, last, verdict }: Element): Attribute | null => {
  const data = verdict === undefined || change === 'delete' ? [] : [verdictData(verdict)];
  if (data.includes(null)) return null;
  return nested(
    NFTA.list.element,
    keyOf(NFTA.element.key, key),
    ...(last === undefined ? [] : [keyOf(NFTA.element.keyEnd, last)]),
    ...data.filter((attribute) => attribute !== null),
  );
};

/** The messages that add elements to a set or map, or delete them; null where a verdict is none that a map can hold. */
export const changeElements = (
  where: SetPlace,
  change: ElementChange,
  elements: readonly Element[],
): readonly Message[] | null => {
  const messages: Message[] = [];
  let list: Attribute[] = [];
  let size = 0;
  const close = (): void => {
    if (list.length > 0) messages.push(message(where, change, nested(NFTA.elementList.elements, ...list)));
    list = [];
    size = 0;
  };
  for (const element of elements) {
    const attribute = elementOf(change, element);
    if (attribute === null) return null;
    const bytes = sizeOfAttributes([attribute]);
    if (size + bytes > MOST_BYTES) close();
    list.push(attribute);
    size += bytes;
  }
  close();
  return messages;
};

/** Asks for all elements of a set. */
export const askElements = (where: SetPlace): Message => ({
  type: nftables(MESSAGE.getElements),
  flags: FLAG.request | FLAG.dump,
  family: FAMILY_NUMBER[where.family],
  attributes: place(where),
});

/** Asks whether a set has an element, and what it leads to: the answer is the element, or the error ENOENT (2). */
export const askElement = (where: SetPlace, { key, last }: Element): Message => ({
  type: nftables(MESSAGE.getElements),
  flags: FLAG.request,
  family: FAMILY_NUMBER[where.family],
  attributes: [
    ...place(where),
    nested(
      NFTA.elementList.elements,
      nested(
        NFTA.list.element,
        keyOf(NFTA.element.key, key),
        ...(last === undefined ? [] : [keyOf(NFTA.element.keyEnd, last)]),
      ),
    ),
  ],
});
