import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import { outputAliases, outputFlags } from '../input/flags.ts';
import type { OutputFlags } from '../output/report.ts';

export const parseCommand = buildCommand<OutputFlags, string[], Context>({
  loader: async () => (await import('../verbs/parse.ts')).parse,
  parameters: {
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { brief: 'Dumps, or folders with dumps', parse: String, placeholder: 'FILE' },
    },
    flags: { ...outputFlags },
    aliases: outputAliases,
  },
  docs: {
    brief: 'What is read of a dump, and what is not understood',
    customUsage: examples(
      ['iptables-save.txt', 'counts, and each line that is not understood'],
      ['node-1/ -o json', 'a folder with all dumps of a node'],
    ),
    fullDescription:
      'Nothing is dropped silently: a rule that is not understood is kept as unknown, and whatever depends on it is told to be uncertain.',
  },
});
