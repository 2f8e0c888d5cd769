import {
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node as YamlNode,
} from 'yaml';
import { error, type Diagnostic, type Source, type Span } from '../diagnostic/diagnostic.ts';
import type { Origin } from './model.ts';

/** One document of a text, and where its fields stand. */
export interface ManifestDocument {
  readonly source: Source;
  readonly value: unknown;
  /** The span of the value at a path, or of the nearest thing around it. */
  readonly spanOf: (path: readonly PropertyKey[]) => Span;
  /** The span of a key itself. */
  readonly keySpanOf: (path: readonly PropertyKey[]) => Span;
}

/** More text than any sensible set of manifests; a hostile file must not fill the memory. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Splits a text into its documents. YAML errors come with their position; JSON is read by the JSON parser, which is faster. */
export const documentsOf = (
  source: Source,
): { readonly documents: readonly ManifestDocument[]; readonly problems: readonly Diagnostic[] } => {
  const { text } = source;
  const refuse = (code: string, message: string, at: number, hint: string) => ({
    documents: [],
    problems: [{ ...error(code, message, { start: at, end: at + 1 }, hint), source }],
  });
  if (text.length > MOST_BYTES)
    return refuse('file-too-large', `the file has ${text.length} characters`, 0, 'Split it; 64 MiB is the limit');
  const binary = text.search(/[\u0000-\u0008\u000e-\u001a\ufffd]/);
  if (binary !== -1)
    return refuse('not-text', 'this is not a YAML text', binary, 'Give files with policies in YAML or JSON');
  if (text.trimStart().startsWith('{')) {
    const document = jsonDocument(source);
    if (document !== null) return { documents: [document], problems: [] };
  }
  return yamlDocuments(source);
};

const jsonDocument = (source: Source): ManifestDocument | null => {
  try {
    const value: unknown = JSON.parse(source.text);
    // Positions are needed only when something is wrong: then the text is read again as YAML, which JSON is a part of.
    let located: ManifestDocument | undefined;
    const locate = (): ManifestDocument | undefined => (located ??= yamlDocuments(source).documents[0]);
    return {
      source,
      value,
      spanOf: (path) => locate()?.spanOf(path) ?? { start: 0, end: 1 },
      keySpanOf: (path) => locate()?.keySpanOf(path) ?? { start: 0, end: 1 },
    };
  } catch {
    return null;
  }
};

const MOST_ALIASES = 100;

const yamlDocuments = (
  source: Source,
): { readonly documents: readonly ManifestDocument[]; readonly problems: readonly Diagnostic[] } => {
  const parsed = parseAllDocuments(source.text, {
    lineCounter: new LineCounter(),
    prettyErrors: false,
    stringKeys: true,
  });
  const problems: Diagnostic[] = [];
  const documents: ManifestDocument[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    for (const problem of document.errors) {
      const [start, end] = problem.pos;
      problems.push({
        ...error(
          'yaml-syntax',
          `this is not YAML: ${problem.message.split('\n')[0]?.replace(/\.$/, '') ?? ''}`,
          { start, end: Math.max(end, start + 1) },
          YAML_HINTS[problem.code],
        ),
        source,
      });
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    const value = valueOf(document);
    if (value instanceof Error) {
      problems.push({
        ...error('yaml-aliases', 'too many aliases', { start: 0, end: 1 }, 'Write the values out'),
        source,
      });
      continue;
    }
    if (value === null) continue;
    documents.push({
      source,
      value,
      spanOf: (path) => spanAt(document, path),
      keySpanOf: (path) => keySpanAt(document, path),
    });
  }
  return { documents, problems };
};

const YAML_HINTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'A field may stand once only',
  TAB_AS_INDENT: 'Indent with spaces',
  BAD_INDENT: 'Check the indentation',
};

const valueOf = (document: Document): unknown => {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
  } catch (problem) {
    return problem instanceof Error ? problem : new Error('aliases');
  }
};

const spanOfNode = (node: YamlNode | null | undefined): Span | null => {
  const range = node?.range;
  return range == null ? null : { start: range[0], end: Math.max(range[1], range[0] + 1) };
};

/** A value that spans lines is pointed at where it begins. */
const spanAt = (document: Document, path: readonly PropertyKey[]): Span => {
  for (let length = path.length; length >= 0; length--) {
    const found: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const span = isNode(found) ? spanOfNode(found) : null;
    if (span === null) continue;
    if (length < path.length && length > 0) return keySpanAt(document, path.slice(0, length));
    return span;
  }
  return { start: 0, end: 1 };
};

const keySpanAt = (document: Document, path: readonly PropertyKey[]): Span => {
  const parent: unknown = path.length <= 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === last);
    const span = isNode(pair?.key) ? spanOfNode(pair.key) : null;
    if (span !== null) return span;
  }
  const span = isNode(parent) ? spanOfNode(parent) : null;
  return span ?? { start: 0, end: 1 };
};

/** Where a path of a document stands. */
export const originOf = (document: ManifestDocument, path: readonly PropertyKey[]): Origin => ({
  source: document.source,
  span: document.spanOf(path),
});
