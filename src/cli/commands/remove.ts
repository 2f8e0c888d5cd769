import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import { dryRunFlag, outputAliases, outputFlags, riskFlags } from '../input/flags.ts';
import type { RemoveFlags } from '../verbs/remove.ts';

export const removeCommand = buildCommand<RemoveFlags, [string?], Context>({
  loader: async () => (await import('../verbs/remove.ts')).remove,
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'The port of an earlier restrict; without it: everything',
          parse: String,
          placeholder: 'PORT',
          optional: true,
        },
      ],
    },
    flags: { ...riskFlags, ...dryRunFlag, ...outputFlags },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Take one restriction away, or everything',
    customUsage: examples(
      ['30001', 'the restriction of this port'],
      ['', 'all policies, the table in the kernel and the stored state'],
    ),
  },
});
