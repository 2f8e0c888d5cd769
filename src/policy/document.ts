import { error, type Diagnostic, type Source, type Span } from '../diagnostic/diagnostic.ts';
import { jsonDocument } from './json-document.ts';
import type { Origin } from './model.ts';
import { yamlDocuments } from './yaml-document.ts';

/** One document of a text, and where its fields stand. */
export interface ManifestDocument {
  readonly source: Source;
  readonly value: unknown;
  /** The span of the value at a path, or of the nearest thing around it. */
  readonly spanOf: (path: readonly PropertyKey[]) => Span;
  /** The span of a key itself. */
  readonly keySpanOf: (path: readonly PropertyKey[]) => Span;
}

/** What a text holds. */
export interface Documents {
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly Diagnostic[];
}

/** More text than any sensible set of manifests; a hostile file must not fill the memory. */
const MOST_CHARACTERS = 64 * 1024 * 1024;

/** Splits a text into its documents. Syntax errors come with their position; what is JSON is read as JSON, which is much faster. */
export const documentsOf = (source: Source): Documents => {
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

/** Where a path of a document stands. The place is looked up when it is first asked for: most are never told. */
export const originOf = (document: ManifestDocument, path: readonly PropertyKey[]): Origin => {
  let span: Span | undefined;
  return {
    source: document.source,
    get span() {
      return (span ??= document.spanOf(path));
    },
  };
};
