/** Characters after which a chunk is handed on. */
const CHUNK = 1 << 16;

const isIterable = (value: object): value is Iterable<unknown> => Symbol.iterator in value;

/**
 * The text of `JSON.stringify(value, null, 2)`, in chunks of some 64 thousand characters. A list may be any iterable:
 * its items are made while they are written. The fields of an object are asked for in their order, each when it is its
 * turn, so that a getter can tell what has been written before it. What JSON does not have is left out, or null in a
 * list, as JSON.stringify does.
 */
export function* jsonChunks(value: unknown): Generator<string, void, undefined> {
  let text = '';
  for (const piece of pieces(value, '\n')) {
    text += piece;
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

const hasText = (value: unknown): boolean =>
  value !== undefined && typeof value !== 'function' && typeof value !== 'symbol';

/** `line`: a line break with the indentation of what stands around. */
function* pieces(value: unknown, line: string): Generator<string, void, undefined> {
  if (typeof value !== 'object' || value === null) {
    yield hasText(value) ? JSON.stringify(value) : 'null';
    return;
  }
  const inner = `${line}  `;
  const isList = isIterable(value);
  let before = isList ? '[' : '{';
  if (isList)
    for (const item of value) {
      yield `${before}${inner}`;
      before = ',';
      yield* pieces(item, inner);
    }
  else
    for (const key of Object.keys(value)) {
      const field = (value as Readonly<Record<string, unknown>>)[key];
      if (!hasText(field)) continue;
      yield `${before}${inner}${JSON.stringify(key)}: `;
      before = ',';
      yield* pieces(field, inner);
    }
  const isEmpty = before !== ',';
  yield `${isEmpty ? before : line}${isList ? ']' : '}'}`;
}

/** The same data with lists in the place of iterables, and with what getters give. */
export const plainData = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (isIterable(value)) return Array.from(value, plainData);
  // Not assigned: a field may be called __proto__.
  return Object.fromEntries(
    Object.keys(value).map((key) => [key, plainData((value as Readonly<Record<string, unknown>>)[key])]),
  );
};
