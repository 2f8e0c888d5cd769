import type { Diagnostic, Source, Span } from './diagnostic.ts';

interface Place {
  readonly line: number;
  readonly column: number;
  readonly text: string;
  /** UTF-16 units that the caret covers on this line; at least 1. */
  readonly length: number;
}

/** Where lines begin, for each text that something was said about: a thousand warnings are about few files. */
const lineStarts = new WeakMap<Source, readonly number[]>();

const startsOf = (source: Source): readonly number[] => {
  const known = lineStarts.get(source);
  if (known !== undefined) return known;
  const starts = [0];
  for (let at = source.text.indexOf('\n'); at !== -1; at = source.text.indexOf('\n', at + 1)) starts.push(at + 1);
  lineStarts.set(source, starts);
  return starts;
};

/** How many lines begin at an offset or before it. */
const lineAt = (source: Source, offset: number): number => {
  const starts = startsOf(source);
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
};

const placeOf = (source: Source, { start, end }: Span): Place => {
  const { text } = source;
  const at = Math.min(Math.max(start, 0), text.length);
  // A negative start would mean 0, which finds a line break at the very beginning.
  const from = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
  const next = text.indexOf('\n', from);
  const to = next === -1 ? text.length : next;
  return {
    line: lineAt(source, from),
    column: at - from + 1,
    text: text.slice(from, to).replace(/\r$/, ''),
    length: Math.max(1, Math.min(end, to) - at),
  };
};

/** A terminal's width, more or less: of longer lines the part around the caret is shown. */
const WIDEST = 110;

const excerpt = ({
  text,
  column,
  length,
}: Place): { readonly text: string; readonly column: number; readonly length: number } => {
  if (text.length <= WIDEST) return { text, column, length };
  const from = Math.max(0, Math.min(column - 30, text.length - WIDEST));
  const shown = text.slice(from, from + WIDEST);
  const before = from > 0 ? '…' : '';
  const after = from + WIDEST < text.length ? '…' : '';
  const at = column - from + before.length;
  return {
    text: before + shown + after,
    column: at,
    length: Math.max(1, Math.min(length, WIDEST - (column - from) + 1)),
  };
};

/**
 * Tabs stay tabs in front of the caret, so that it stands below what it means. Control characters never reach the
 * terminal.
 */
const visible = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '·');

/**
 * A diagnostic for people: `web.yaml:9:13 error: host bits are set …`, the line with a caret, and the hint. Several
 * lines, without a last line break.
 */
export const renderDiagnostic = ({ severity, message, hint, span, source }: Diagnostic): string => {
  const hints = hint === undefined ? [] : [`  ${visible(hint)}`];
  if (source === undefined || span === undefined) {
    const where = source === undefined ? '' : `${source.name}  `;
    return [`${where}${severity}: ${visible(message)}`, ...hints].join('\n');
  }
  const place = placeOf(source, span);
  const { text, column, length } = excerpt(place);
  const number = String(place.line);
  const gap = visible(text)
    .slice(0, column - 1)
    .replace(/[^\t]/g, ' ');
  return [
    `${source.name}:${place.line}:${place.column}  ${severity}: ${visible(message)}`,
    `  ${number} | ${visible(text)}`,
    `  ${' '.repeat(number.length)} | ${gap}${'^'.repeat(length)}`,
    ...hints,
  ].join('\n');
};

/** The same as data, for `-o json`. Line and column count from 1. */
export const diagnosticJson = ({ code, severity, message, hint, span, source }: Diagnostic) => {
  const place = source === undefined || span === undefined ? null : placeOf(source, span);
  return {
    code,
    severity,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(source === undefined ? {} : { file: source.name }),
    ...(place === null ? {} : { line: place.line, column: place.column }),
  };
};
