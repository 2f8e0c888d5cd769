import { error, type Source } from '../diagnostic/diagnostic.ts';
import { jsonDocument } from './json-document.ts';
import type { Documents, ManifestSource } from './manifest-document.ts';
import { objectDocument } from './object-document.ts';
import { yamlDocuments } from './yaml-document.ts';

/** More text than any sensible set of manifests. A hostile file must not fill the memory. */
const MOST_CHARACTERS = 64 * 1024 * 1024;

/** The documents of a source: those in its text, or its objects themselves. */
export const documentsOf = (source: ManifestSource): Documents =>
  'objects' in source
    ? { documents: source.objects.map((object) => objectDocument(source.name, object)), problems: [] }
    : documentsOfText(source);

/**
 * Splits a text into its documents. Syntax errors have their position. A text that is JSON is read as JSON, which is
 * much faster.
 */
const documentsOfText = (source: Source): Documents => {
  const { text } = source;
  const refuse = (code: string, message: string, at: number, hint: string) => ({
    documents: [],
    problems: [{ ...error(code, message, { start: at, end: at + 1 }, hint), source }],
  });
  if (text.length > MOST_CHARACTERS)
    return refuse('file-too-large', `the file has ${text.length} characters`, 0, 'Split it; 64 MiB is the limit');
  const binary = text.search(/[\u0000-\u0008\u000e-\u001a\ufffd]/);
  if (binary !== -1)
    return refuse('not-text', 'this is not a YAML text', binary, 'Give files with policies in YAML or JSON');
  const json = text.trimStart().startsWith('{') ? jsonDocument(source) : null;
  return json === null ? yamlDocuments(source) : { documents: [json], problems: [] };
};
