import { warning, type Diagnostic, type Source } from '../../diagnostic/diagnostic.ts';

/** One line of a dump, without blanks and line ends around it. */
export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
  /** Whether blanks stood in front of it. */
  readonly indented: boolean;
}

/** The lines of a text that hold anything; any line end is taken. */
export function* linesOf(text: string): Generator<Line, void, undefined> {
  let from = text.startsWith('\ufeff') ? 1 : 0;
  for (let number = 1; from < text.length; number++) {
    let end = text.indexOf('\n', from);
    const next = end === -1 ? text.length : end + 1;
    if (end === -1) end = text.length;
    let start = from;
    while (start < end && text.charCodeAt(start) <= 32) start++;
    while (end > start && text.charCodeAt(end - 1) <= 32) end--;
    if (start < end) yield { text: text.slice(start, end), number, start, end, indented: start > from };
    from = next;
  }
}

/** Collects what is not understood in a dump. A few dozen of one kind are enough for a person. */
export interface Doubts {
  readonly note: (code: string, message: string, line: Line, hint?: string) => void;
  readonly all: readonly Diagnostic[];
}

const MOST = 50;

/** A collector for a dump, with nothing in it yet. */
export const doubtsAbout = (source: Source): Doubts => {
  const all: Diagnostic[] = [];
  let more = 0;
  return {
    all,
    note: (code, message, { start, end }, hint) => {
      if (all.length < MOST) all.push({ ...warning(code, message, { start, end }, hint), source });
      else
        all[MOST] = {
          ...warning('more-warnings', `${++more} more warnings, the last one here`, { start, end }),
          source,
        };
    },
  };
};
