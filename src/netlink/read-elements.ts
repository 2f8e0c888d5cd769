import { ok, type Result } from '../diagnostic/diagnostic.ts';
import type { Counter } from '../ruleset/values/counter.ts';
import type { Verdict } from '../ruleset/values/verdict.ts';
import { readText, visitAttributes } from './attribute.ts';
import { ELEMENT_FLAG, HEADER, NFTA } from './constants.ts';
import { malformed, type Received } from './message.ts';
import { readVerdict } from './verdict.ts';

/** An element as the kernel tells it. `key` and `last` lie in the datagram: who keeps them copies them. */
export interface ReadElement {
  readonly key: Uint8Array;
  /** The last key of a range; null where it is one key. */
  readonly last: Uint8Array | null;
  /** What a verdict map holds for the key; null in sets. */
  readonly verdict: Verdict | null;
  readonly counter: Counter | null;
  /** Milliseconds after which it is forgotten; null: never. */
  readonly expiresMs: bigint | null;
  /** It is the end of an interval of a set of single fields, not a key. */
  readonly isIntervalEnd: boolean;
  /** It stands for every key that is no element. */
  readonly isCatchAll: boolean;
}

/** include/uapi/linux/netfilter/nf_tables.h, enum nft_expr_attributes, nft_counter_attributes. */
const EXPRESSION = { name: 1, data: 2 } as const;
const COUNTER = { bytes: 1, packets: 2 } as const;

const readCounter = (view: DataView, first: number, end: number): Counter | null => {
  const read = { name: '', packets: null as bigint | null, bytes: null as bigint | null };
  visitAttributes(view, first, end, (type, from, to) => {
    if (type === EXPRESSION.name) read.name = readText(view, from, to);
    else if (type === EXPRESSION.data)
      visitAttributes(view, from, to, (number, low, high) => {
        if (high - low !== 8) return;
        if (number === COUNTER.packets) read.packets = view.getBigUint64(low);
        else if (number === COUNTER.bytes) read.bytes = view.getBigUint64(low);
      });
  });
  const { name, packets, bytes } = read;
  return name === 'counter' && packets !== null && bytes !== null ? { packets, bytes } : null;
};

interface Draft {
  key: Uint8Array | null;
  last: Uint8Array | null;
  verdict: Verdict | null;
  counter: Counter | null;
  expiresMs: bigint | null;
  flags: number;
  isWrong: boolean;
}

const bytesOf = (view: DataView, first: number, end: number): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset + first, end - first);

const readValue = (view: DataView, first: number, end: number): Uint8Array | null => {
  let value: Uint8Array | null = null;
  const whole = visitAttributes(view, first, end, (type, from, to) => {
    if (type === NFTA.data.value) value = bytesOf(view, from, to);
  });
  return whole ? value : null;
};

const readData = (draft: Draft, view: DataView, first: number, end: number): void => {
  const whole = visitAttributes(view, first, end, (type, from, to) => {
    if (type !== NFTA.data.verdict) return;
    draft.verdict = readVerdict(view, from, to);
    draft.isWrong ||= draft.verdict === null;
  });
  draft.isWrong ||= !whole;
};

const readAttribute = (draft: Draft, view: DataView, type: number, first: number, end: number): void => {
  switch (type) {
    case NFTA.element.key:
      draft.key = readValue(view, first, end);
      draft.isWrong ||= draft.key === null;
      return;
    case NFTA.element.keyEnd:
      draft.last = readValue(view, first, end);
      draft.isWrong ||= draft.last === null;
      return;
    case NFTA.element.data:
      return readData(draft, view, first, end);
    case NFTA.element.flags:
      draft.flags = end - first === 4 ? view.getUint32(first) : 0;
      draft.isWrong ||= end - first !== 4;
      return;
    case NFTA.element.expiration:
      if (end - first === 8) draft.expiresMs = view.getBigUint64(first);
      return;
    case NFTA.element.expression:
      draft.counter ??= readCounter(view, first, end);
      return;
    case NFTA.element.expressions:
      visitAttributes(view, first, end, (_, from, to) => {
        draft.counter ??= readCounter(view, from, to);
      });
      return;
    default:
  }
};

const EMPTY = new Uint8Array(0);

/** The element, or null where its bytes make none. */
const readElement = (view: DataView, first: number, end: number): ReadElement | null => {
  const draft: Draft = {
    key: null,
    last: null,
    verdict: null,
    counter: null,
    expiresMs: null,
    flags: 0,
    isWrong: false,
  };
  const whole = visitAttributes(view, first, end, (type, from, to) => readAttribute(draft, view, type, from, to));
  const { key, last, verdict, counter, expiresMs, flags } = draft;
  const isCatchAll = (flags & ELEMENT_FLAG.catchAll) !== 0;
  if (!whole || draft.isWrong || (key === null && !isCatchAll)) return null;
  return {
    key: key ?? EMPTY,
    last,
    verdict,
    counter,
    expiresMs,
    isIntervalEnd: (flags & ELEMENT_FLAG.intervalEnd) !== 0,
    isCatchAll,
  };
};

/**
 * Tells of the elements of one message, and gives the name of their set. An error where the message is cut or an
 * element cannot be read: then what was told is to be thrown away.
 */
export const visitElements = (message: Received, visit: (element: ReadElement) => void): Result<string> => {
  const { view, first, end } = message;
  const read = { set: '', isWrong: false };
  const whole = visitAttributes(view, first + HEADER.netfilter, end, (type, from, to) => {
    if (type === NFTA.elementList.set) read.set = readText(view, from, to);
    if (type !== NFTA.elementList.elements) return;
    const inner = visitAttributes(view, from, to, (_, low, high) => {
      const element = readElement(view, low, high);
      if (element === null) read.isWrong = true;
      else visit(element);
    });
    read.isWrong ||= !inner;
  });
  return whole && !read.isWrong ? ok(read.set) : malformed('an element is cut or not understood');
};
