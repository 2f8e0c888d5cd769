import { buildCommand } from '@stricli/core';
import type { Context } from '../context.ts';
import { examples } from '../examples.ts';
import { outputAliases, outputFlags } from '../flags.ts';
import type { OutputFlags } from '../report.ts';

export const confirmCommand = buildCommand<OutputFlags, [], Context>({
  loader: async () => (await import('../confirm.ts')).confirm,
  parameters: { flags: { ...outputFlags }, aliases: outputAliases },
  docs: {
    brief: 'Keep a change that would otherwise be taken back',
    customUsage: examples(['', 'keep the change that waits for it']),
    fullDescription: `Keeps a change that was made with --confirm-within and would otherwise be taken back.`,
  },
});
