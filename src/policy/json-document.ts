import type { Source, Span } from '../diagnostic/diagnostic.ts';
import type { ManifestDocument } from './manifest-document.ts';

/** A text as one JSON document; null when it is none. YAML's reader then says what is wrong, and where. */
export const jsonDocument = (source: Source): ManifestDocument | null => {
  let value: unknown;
  try {
    value = JSON.parse(source.text);
  } catch {
    return null;
  }
  return { source, value, ...textPlaces(source) };
};

/**
 * Finds the places of a valid JSON text. The search runs when a place is first asked for, which is only where something
 * is wrong.
 */
export const textPlaces = (source: Source): Pick<ManifestDocument, 'spanOf' | 'keySpanOf'> => {
  let places: Place | undefined;
  const around = (path: readonly PropertyKey[]) => nearestPlace((places ??= placesIn(source.text)), path);
  return { spanOf: (path) => around(path).value, keySpanOf: (path) => around(path).key };
};

/** The place of a value, and the places of the values in it. */
interface Place {
  readonly span: Span;
  /** The key, for a member of an object. */
  readonly key: Span | null;
  /** null: nothing has been met in it. */
  inside: Map<PropertyKey, Place> | null;
}

/** A key that occurs twice means its last value, as for JSON.parse. */
const nearestPlace = (root: Place, path: readonly PropertyKey[]): { readonly value: Span; readonly key: Span } => {
  let here = root;
  for (const part of path) {
    const next = here.inside?.get(part);
    if (next === undefined) return { value: here.key ?? here.span, key: here.key ?? here.span };
    here = next;
  }
  return { value: here.span, key: here.key ?? here.span };
};

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;

/** The places of all values of a valid JSON text. There is no recursion, so depth costs nothing. */
const placesIn = (text: string): Place => {
  const root: Place = { span: { start: 0, end: 1 }, key: null, inside: null };
  const open: { readonly place: Place; readonly list: boolean; next: number }[] = [];
  let top = root;
  let key: { readonly text: string; readonly span: Span } | null = null;
  for (const { 0: token, index: start } of text.matchAll(TOKEN)) {
    const span = { start, end: start + token.length };
    const around = open.at(-1);
    if (token === '}' || token === ']') open.pop();
    else if (token === ',' || token === ':') continue;
    else if (around !== undefined && !around.list && key === null) key = { text: JSON.parse(token) as string, span };
    else {
      // The span of a value over several lines is its beginning.
      const place: Place = { span, key: key?.span ?? null, inside: null };
      if (around === undefined) top = place;
      else (around.place.inside ??= new Map()).set(around.list ? around.next++ : (key?.text ?? ''), place);
      key = null;
      if (token === '{' || token === '[') open.push({ place, list: token === '[', next: 0 });
    }
  }
  return top;
};
