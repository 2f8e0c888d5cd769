import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import { outputAliases, outputFlags } from '../input/flags.ts';
import type { OutputFlags } from '../output/report.ts';

export const confirmCommand = buildCommand<OutputFlags, [], Context>({
  loader: async () => (await import('../verbs/confirm.ts')).confirm,
  parameters: { flags: { ...outputFlags }, aliases: outputAliases },
  docs: {
    brief: 'Keep a change that would otherwise be taken back',
    customUsage: examples(['', 'keep the change that waits for it']),
    fullDescription: `Keeps a change that was made with --confirm-within and would otherwise be taken back.`,
  },
});
