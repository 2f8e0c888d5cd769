import type { Cursor } from './cursor.ts';

/** A verdict as it is written in rules and verdict maps, in the JSON form; null: something else follows. */
export const readPlainVerdict = (cursor: Cursor): Readonly<Record<string, unknown>> | null => {
  const { text, kind } = cursor.peek();
  if (kind !== 'word') return null;
  switch (text) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      cursor.next();
      return { [text]: null };
    case 'jump':
    case 'goto':
      cursor.next();
      return { [text]: { target: cursor.next().text } };
    default:
      return null;
  }
};
