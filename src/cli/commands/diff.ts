import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import { allowFailsafeFlag, fileAliases, filesFlag, machineFlags, outputAliases, outputFlags } from '../input/flags.ts';
import type { DiffFlags } from '../verbs/diff.ts';

export const diffCommand = buildCommand<DiffFlags, [], Context>({
  loader: async () => (await import('../verbs/diff.ts')).diff,
  parameters: {
    flags: { ...filesFlag, ...machineFlags, ...allowFailsafeFlag, ...outputFlags },
    aliases: { ...outputAliases, ...fileAliases },
  },
  docs: {
    brief: 'Who would gain and who would lose which port',
    customUsage: examples(
      ['-f policies/', 'who would gain and who would lose which port'],
      ['-f -', 'the same for what git show main:policies.yaml pipes in'],
    ),
    fullDescription: `Who would gain and who would lose which port. Exit status: 0 nothing would change, 1 something would.`,
  },
});
