import type { Source } from '../diagnostic/diagnostic.ts';
import { textPlaces } from './json-document.ts';
import type { ManifestDocument } from './manifest-document.ts';

/**
 * An object that comes as data and not as text, as one document. `value`: what JSON.parse could have given. A problem
 * in it is shown in the object's JSON, which is written when it is first needed.
 */
export const objectDocument = (name: string, value: unknown): ManifestDocument => {
  let text: string | undefined;
  const source: Source = {
    name,
    get text() {
      return (text ??= JSON.stringify(value, null, 2) ?? String(value));
    },
  };
  return { source, value, ...textPlaces(source) };
};
