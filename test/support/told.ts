import { diagnosticJson } from '../../src/diagnostic/render.ts';
import type { Diagnostic, Result } from '../../src/diagnostic/diagnostic.ts';

/** What a person is told about one problem: its code, `line:column`, the text above the caret, and the hint. */
export type Told = readonly [code: string, place: string, caret: string, hint: string];

/** A problem as a row of a table. */
export const told = (problem: Diagnostic): Told => {
  const { code, span, source, hint = '' } = problem;
  const { line, column } = { line: 0, column: 0, ...diagnosticJson(problem) };
  const caret = span === undefined ? '' : (source?.text.slice(span.start, span.end).split('\n')[0] ?? '');
  return [code, `${line}:${column}`, caret, hint];
};

/** The problems of a result as rows; a good result has none. */
export const problemsOf = (result: Result<unknown>): readonly Told[] => (result.ok ? [] : result.problems.map(told));

/** The warnings of a good result as rows. */
export const warningsOf = (result: Result<unknown>): readonly Told[] => (result.ok ? result.warnings.map(told) : []);
