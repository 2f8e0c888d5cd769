import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import { outputAliases, outputFlags } from '../input/flags.ts';
import type { DeniedFlags } from '../verbs/denied.ts';

export const deniedCommand = buildCommand<DeniedFlags, [], Context>({
  loader: async () => (await import('../verbs/denied.ts')).denied,
  parameters: {
    flags: {
      audit: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Instead, who would be refused by policies of mode Audit',
      },
      ...outputFlags,
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Who was refused where, how often, and when last',
    customUsage: examples(
      ['', 'who was refused where, how often, and when last'],
      ['--audit', 'who would be refused if mode: Audit became Enforce'],
      ['-o json', 'for programs'],
    ),
  },
});
