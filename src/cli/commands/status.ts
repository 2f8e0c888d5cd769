import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import { outputAliases, outputFlags } from '../input/flags.ts';
import type { OutputFlags } from '../output/report.ts';

export const statusCommand = buildCommand<OutputFlags, [], Context>({
  loader: async () => (await import('../verbs/status.ts')).status,
  parameters: { flags: { ...outputFlags }, aliases: outputAliases },
  docs: {
    brief: 'What is guarded, how, by which policies, and is it in force',
    customUsage: examples(
      ['', 'what is guarded, how, and is it in force'],
      ['-o wide', 'every prefix, and the kinds of the policies'],
      ['-o json', 'for programs'],
    ),
    fullDescription: `What is guarded, how, by which policies, who was let in and refused (packets), and is it in force. Exit status: 0 the kernel does
what the policies say, 1 it does not.`,
  },
});
