import { buildCommand } from '@stricli/core';
import type { Context } from '../context.ts';
import { outputAliases, outputFlags } from '../flags.ts';
import type { OutputFlags } from '../report.ts';

export const statusCommand = buildCommand<OutputFlags, [], Context>({
  loader: async () => (await import('../status.ts')).status,
  parameters: { flags: { ...outputFlags }, aliases: outputAliases },
  docs: {
    brief: 'What is guarded, how, by which policies, and is it in force',
    fullDescription: `Examples:
  portcullis status
  portcullis status -o wide     every prefix, and the policies' kinds
  portcullis status -o json`,
  },
});
