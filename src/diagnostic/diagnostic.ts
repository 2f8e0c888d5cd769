/** A stretch of a source text: UTF-16 offsets, `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A text and where it came from: a path, `<stdin>`, `--from`, … */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** Something that a person should know about what they gave us: what, where, and what would be right. */
export interface Diagnostic {
  /** Closed kebab-case code, stable over versions, e.g. `host-bits-set`. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  /** One sentence without a full stop, lower case: `host bits are set in 192.168.1.5/24`. */
  readonly message: string;
  /** One sentence: what would be right. */
  readonly hint?: string;
  /** Where; offsets are into `source` when that is given, else into the text that the caller parsed. */
  readonly span?: Span;
  readonly source?: Source;
}

/** A value, or the reasons why there is none. Expected problems are never exceptions. */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Diagnostic[] }
  | { readonly ok: false; readonly problems: readonly Diagnostic[] };

/** A good result. */
export const ok = <T>(value: T, warnings: readonly Diagnostic[] = []): Result<T> => ({ ok: true, value, warnings });

/** A failed result, from its problems (at least one is an error; warnings may stand among them). */
export const fail = (
  ...problems: readonly Diagnostic[]
): { readonly ok: false; readonly problems: readonly Diagnostic[] } => ({
  ok: false,
  problems,
});

/** An error diagnostic; `where` is an offset span into the text that was parsed. */
export const error = (code: string, message: string, where?: Span, hint?: string): Diagnostic => ({
  code,
  severity: 'error',
  message,
  ...(where === undefined ? {} : { span: where }),
  ...(hint === undefined ? {} : { hint }),
});

/** A warning diagnostic; see {@link error}. */
export const warning = (code: string, message: string, where?: Span, hint?: string): Diagnostic => ({
  ...error(code, message, where, hint),
  severity: 'warning',
});

/** The same diagnostic with its span moved by `offset` and bound to `source`: from a part of a text to the whole. */
export const shift = (diagnostic: Diagnostic, offset: number, source?: Source): Diagnostic => ({
  ...diagnostic,
  ...(diagnostic.span === undefined
    ? {}
    : { span: { start: diagnostic.span.start + offset, end: diagnostic.span.end + offset } }),
  ...(source === undefined ? {} : { source }),
});
