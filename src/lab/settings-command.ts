import type { Command } from './command.ts';
import { perl } from './program.ts';

/** One command that sets kernel settings (`key = value`) in any number of namespaces. */
export const settingsCommand = (
  settings: readonly (readonly [namespace: string, lines: readonly string[]])[],
): Command => ({
  argv: perl('settings.pl'),
  stdin: settings
    .flatMap(([namespace, lines]) => lines.map((line) => [namespace, ...line.split(' = ')].join('\t')))
    .map((line) => `${line}\n`)
    .join(''),
});
