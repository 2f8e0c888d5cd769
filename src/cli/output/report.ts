import { once } from 'node:events';
import { styleText } from 'node:util';
import type { Diagnostic } from '../../diagnostic/diagnostic.ts';
import { grouped } from '../../explain/words/number-words.ts';
import { renderDiagnostic } from '../../diagnostic/render.ts';
import type { Context } from './context.ts';
import { jsonChunks, plainData } from './json-chunks.ts';

/** The output formats of every command. */
export const FORMATS = ['table', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

export interface OutputFlags {
  readonly output: Format;
  readonly color: boolean;
  /** Every warning, also a thousand of one kind. */
  readonly allWarnings?: boolean;
}

/**
 * One answer, as data and for people. The data form is a contract: fields may come, none goes or changes its meaning.
 */
export interface Report {
  readonly kind: string;
  /**
   * Made only where it is asked for: it can be a hundred times as long as the text. Lists may be iterables, fields
   * getters (see jsonChunks).
   */
  readonly data: () => Readonly<Record<string, unknown>>;
  readonly text: (wide: boolean) => string;
}

const API_VERSION = 'portcullis.dev/v1alpha1';

/** Writes a report to standard output in the format that was asked for. */
export const emit = async (context: Context, { output }: OutputFlags, { kind, data, text }: Report): Promise<void> => {
  if (output === 'table' || output === 'wide') {
    const shown = text(output === 'wide').trimEnd();
    if (shown !== '') context.process.stdout.write(`${shown}\n`);
    return;
  }
  await emitData(context, output, { kind, data });
};

/** Writes data alone, as JSON or YAML. */
export const emitData = async (
  context: Context,
  output: 'json' | 'yaml',
  { kind, data }: Pick<Report, 'kind' | 'data'>,
): Promise<void> => {
  // Not spread: a getter is asked when it is its turn.
  const object: object = Object.defineProperties(
    { apiVersion: API_VERSION, kind },
    Object.getOwnPropertyDescriptors(data()),
  );
  if (output === 'json') {
    for (const chunk of jsonChunks(object)) await write(context, chunk);
    await write(context, '\n');
  } else {
    const { yamlText } = await import('./yaml-text.ts');
    await write(context, yamlText(plainData(object)));
  }
};

/** Writes to standard output, and waits where the reader is slower: what is not read yet is kept in memory. */
const write = async ({ process: { stdout } }: Context, text: string): Promise<void> => {
  if (!(stdout as NodeJS.WriteStream).write(text)) await once(stdout as NodeJS.WriteStream, 'drain');
};

type Style = 'red' | 'green' | 'yellow' | 'bold' | 'gray';

/**
 * Colours a text for standard output or error where a terminal shows it and nobody has asked for none (no-color.org).
 */
export const paint = (context: Context, stream: 'out' | 'err', color: boolean, style: Style, text: string): string => {
  const { env } = context.process;
  const wanted = color && context.terminal[stream] && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return wanted ? styleText(style, text, { validateStream: false }) : text;
};

/** Says something on standard error. */
export const say = (context: Context, text: string): void => context.process.stderr.write(`${text}\n`);

const severityStyle = { error: 'red', warning: 'yellow' } as const;

/** Warnings of one kind that are shown with their places; the others are counted. */
const MOST_OF_A_KIND = 3;

/** Shows diagnostics on standard error: every error, and the first warnings of each kind. */
export const showProblems = (
  context: Context,
  problems: readonly Diagnostic[],
  { color, allWarnings = false }: Pick<OutputFlags, 'color' | 'allWarnings'>,
): void => {
  const kindOf = ({ severity, code }: Diagnostic): string => `${severity} ${code}`;
  const kinds = Map.groupBy(problems, kindOf);
  const isLong = (kind: string): boolean => {
    const list = kinds.get(kind) ?? [];
    return !allWarnings && list[0]?.severity === 'warning' && list.length > MOST_OF_A_KIND + 1;
  };
  const shown = new Map<string, number>();
  for (const problem of problems) {
    const kind = kindOf(problem);
    const count = (shown.get(kind) ?? 0) + 1;
    shown.set(kind, count);
    if (count > MOST_OF_A_KIND && isLong(kind)) continue;
    const text = renderDiagnostic(problem);
    const word = `${problem.severity}:`;
    say(context, text.replace(word, paint(context, 'err', color, severityStyle[problem.severity], word)));
    if (count < MOST_OF_A_KIND || !isLong(kind)) continue;
    const more = (kinds.get(kind)?.length ?? 0) - MOST_OF_A_KIND;
    const warned = paint(context, 'err', color, severityStyle.warning, 'warning:');
    say(context, `${warned} ${grouped(more)} more of this kind (${problem.code}); --all-warnings shows them`);
  }
};

/**
 * A line that is replaced by the next, while something takes its time; on a terminal only. Returns how to take it away.
 */
export const progress = (context: Context, what: string): (() => void) => {
  if (!context.terminal.err) return () => undefined;
  const shown = { done: false };
  const timer = setTimeout(() => {
    shown.done = true;
    context.process.stderr.write(`\r${what} …`);
  }, 400);
  return () => {
    clearTimeout(timer);
    if (shown.done) context.process.stderr.write('\r\u001b[K');
  };
};
