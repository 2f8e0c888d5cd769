import {
  Composer,
  isMap,
  isNode,
  isPair,
  isScalar,
  Lexer,
  Parser,
  type Document,
  type Node as YamlNode,
  type ScalarTag,
  type Tags,
} from 'yaml';
import { error, type Diagnostic, type Source, type Span } from '../diagnostic/diagnostic.ts';
import type { Documents, ManifestDocument } from './manifest-document.ts';

/**
 * Bounds for hostile files. YAML costs about 2 µs and 300 bytes per token. 200,000 prefixes, one per line, are
 * 1,200,000 tokens.
 */
const MOST_TOKENS = 2_000_000;
/** Each document has a schema of its own, so it costs more than its tokens. */
const MOST_DOCUMENTS = 20_000;
/** Deeper than any Kubernetes object; the reader is recursive. */
const MOST_LEVELS = 200;
/** After this many wrong documents the rest is not read. */
const MOST_PROBLEMS = 100;
const MOST_ALIASES = 100;

/** The documents of a YAML text. */
export const yamlDocuments = (source: Source): Documents => {
  const problems: Diagnostic[] = [];
  const documents: ManifestDocument[] = [];
  const refuse = (code: string, message: string, span: Span, hint?: string): void => {
    problems.push({ ...error(code, message, span, hint), source });
  };
  const take = (document: Document): void => {
    // Most problems after a syntax error are its consequence.
    const [first] = document.errors;
    if (first !== undefined) {
      const { pos, message, code } = first;
      return refuse('yaml-syntax', `this is not YAML: ${plain(message)}`, spanFrom(pos), YAML_HINTS[code]);
    }
    if (document.contents === null) return;
    const value = valueOf(document);
    if (value === UNKNOWN_ALIAS)
      refuse('yaml-alias-unknown', 'this alias stands for nothing', firstAlias(source.text), 'Write the value out');
    else if (value === TOO_MANY_ALIASES)
      refuse('yaml-aliases', 'too many aliases', firstAlias(source.text), 'Write the values out');
    else if (value !== null)
      documents.push({
        source,
        value,
        spanOf: (path) => spanAt(document, path),
        keySpanOf: (path) => keySpanAt(document, path),
      });
  };
  const limit = read(source.text, take, () => problems.length < MOST_PROBLEMS);
  if (limit === null) return { documents, problems };
  // The text so far is not the whole, so nothing is said about it.
  const span = { start: limit.offset, end: limit.offset + 1 };
  const { code, message, hint } = LIMITS[limit.kind];
  return { documents: [], problems: [{ ...error(code, message, span, hint), source }] };
};

const LIMITS = {
  depth: {
    code: 'yaml-too-deep',
    message: `the values are nested more than ${MOST_LEVELS} levels deep`,
    hint: 'No Kubernetes object is: look for brackets or dashes too many',
  },
  size: {
    code: 'yaml-too-large',
    message: `this YAML has more than ${MOST_TOKENS} words and signs`,
    hint: 'Give it as JSON (kubectl get -o json), which is read faster, or split it',
  },
  documents: {
    code: 'yaml-too-large',
    message: `this text has more than ${MOST_DOCUMENTS} documents`,
    hint: 'Give a List as JSON (kubectl get -o json), which is read faster, or split it',
  },
} as const;

/**
 * Hands the documents to `take` one after the other while they are `wanted`. Returns the limit that the text exceeds,
 * and where; null: none.
 */
const read = (
  text: string,
  take: (document: Document) => void,
  wanted: () => boolean,
): { readonly kind: keyof typeof LIMITS; readonly offset: number } | null => {
  const parser = new Parser();
  const composer = new Composer({ prettyErrors: false, stringKeys: true, customTags: withPlainNumbers });
  let [tokens, documents] = [0, 0];
  for (const lexeme of new Lexer().lex(text)) {
    if (++tokens > MOST_TOKENS) return { kind: 'size', offset: parser.offset };
    for (const token of parser.next(lexeme)) {
      if (token.type === 'document' && ++documents > MOST_DOCUMENTS)
        return { kind: 'documents', offset: parser.offset };
      for (const document of composer.next(token)) take(document);
    }
    if (parser.stack.length > MOST_LEVELS) return { kind: 'depth', offset: parser.offset };
    if (!wanted()) return null;
  }
  for (const token of parser.end()) for (const document of composer.next(token)) take(document);
  for (const document of composer.end()) take(document);
  return null;
};

/**
 * `030001` is 30001 for YAML 1.2 and 12289 for YAML 1.1, which kubectl reads (go-yaml: a leading zero means octal). It
 * stays a text, and the reader of a number reports it.
 */
const withPlainNumbers = (tags: Tags): Tags => tags.map((tag) => (isDecimal(tag) ? { ...tag, test: PLAIN } : tag));

const PLAIN = /^[-+]?(?:0|[1-9][0-9]*)$/;

const isDecimal = (tag: Tags[number]): tag is ScalarTag =>
  typeof tag === 'object' && tag.tag === 'tag:yaml.org,2002:int' && 'test' in tag && (tag.test?.test('01') ?? false);

const plain = (message: string): string => message.split('\n')[0]?.replace(/\.$/, '') ?? '';

const spanFrom = ([start, end]: readonly [number, number]): Span => ({ start, end: Math.max(end, start + 1) });

const YAML_HINTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'A field may stand once only',
  TAB_AS_INDENT: 'Indent with spaces',
  BAD_INDENT: 'Check the indentation',
  MISSING_CHAR: 'Something that was opened is not closed',
  BLOCK_AS_IMPLICIT_KEY: 'Check the indentation of this line, or quote the value',
};

const UNKNOWN_ALIAS = Symbol('unknown alias');
const TOO_MANY_ALIASES = Symbol('too many aliases');

/** A document's value, or what is wrong with its aliases. */
const valueOf = (document: Document): unknown => {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
  } catch (problem) {
    return problem instanceof ReferenceError && problem.message.startsWith('Unresolved')
      ? UNKNOWN_ALIAS
      : TOO_MANY_ALIASES;
  }
};

const firstAlias = (text: string): Span => {
  const found = /(?<=[\s,[{-])\*[^\s,\]}]+/.exec(text);
  return found === null ? { start: 0, end: 1 } : { start: found.index, end: found.index + found[0].length };
};

const spanOfNode = (node: YamlNode | null | undefined): Span | null => {
  const range = node?.range;
  return range == null ? null : { start: range[0], end: Math.max(range[1], range[0] + 1) };
};

/** The span of a value over several lines is its beginning. */
const spanAt = (document: Document, path: readonly PropertyKey[]): Span => {
  for (let length = path.length; length >= 0; length--) {
    const found: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const span = isNode(found) ? spanOfNode(found) : null;
    if (span === null) continue;
    // For a missing value, the nearest thing around it: a field's key, or the whole entry of a list.
    if (length < path.length && typeof path[length - 1] === 'string') return keySpanAt(document, path.slice(0, length));
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
