import { buildCommand } from '@stricli/core';
import type { Context } from '../context.ts';
import { outputAliases, outputFlags } from '../flags.ts';
import type { OutputFlags } from '../report.ts';

export const confirmCommand = buildCommand<OutputFlags, [], Context>({
  loader: async () => (await import('../confirm.ts')).confirm,
  parameters: { flags: { ...outputFlags }, aliases: outputAliases },
  docs: {
    brief: 'Keep a change that would otherwise be taken back',
    fullDescription: `Example:
  portcullis apply -f policies/ --confirm-within 60s
  portcullis confirm`,
  },
});
