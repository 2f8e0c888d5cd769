import { styleText } from 'node:util';
import type { Diagnostic } from '../../diagnostic/diagnostic.ts';
import { renderDiagnostic } from '../../diagnostic/render.ts';
import type { Context } from './context.ts';

/** The output formats of every command. */
export const FORMATS = ['table', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

export interface OutputFlags {
  readonly output: Format;
  readonly color: boolean;
}

/** One answer, as data and for people. The data form is a contract: fields may come, none goes or changes its meaning. */
export interface Report {
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
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
  const object = { apiVersion: API_VERSION, kind, ...data };
  if (output === 'json') context.process.stdout.write(`${JSON.stringify(object, null, 2)}\n`);
  else {
    const { yamlText } = await import('./yaml-text.ts');
    context.process.stdout.write(yamlText(object));
  }
};

type Style = 'red' | 'green' | 'yellow' | 'bold' | 'gray';

/** Colours a text for standard output or error where a terminal shows it and nobody has asked for none (no-color.org). */
export const paint = (context: Context, stream: 'out' | 'err', color: boolean, style: Style, text: string): string => {
  const { env } = context.process;
  const wanted = color && context.terminal[stream] && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return wanted ? styleText(style, text, { validateStream: false }) : text;
};

/** Says something on standard error. */
export const say = (context: Context, text: string): void => context.process.stderr.write(`${text}\n`);

const severityStyle = { error: 'red', warning: 'yellow' } as const;

/** Shows diagnostics on standard error. */
export const showProblems = (context: Context, problems: readonly Diagnostic[], color: boolean): void => {
  for (const problem of problems) {
    const text = renderDiagnostic(problem);
    const word = `${problem.severity}:`;
    say(context, text.replace(word, paint(context, 'err', color, severityStyle[problem.severity], word)));
  }
};

/** A line that is replaced by the next, while something takes its time; on a terminal only. Returns how to take it away. */
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
