import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import { outputAliases, outputFlags } from '../input/flags.ts';
import type { OutputFlags } from '../output/report.ts';

export const restoreCommand = buildCommand<OutputFlags, [], Context>({
  loader: async () => (await import('../verbs/restore.ts')).restore,
  parameters: { flags: { ...outputFlags }, aliases: outputAliases },
  docs: {
    brief: 'Put what was in force back into the kernel, for after a reboot',
    customUsage: examples(['', 'what apply and restrict have stored is in force again']),
    fullDescription: `The kernel forgets its rules at a reboot; this brings them back before anything answers on a node port, when it is run by the
service deploy/systemd/portcullis.service. A change that nobody had confirmed in time is taken back.`,
  },
});
