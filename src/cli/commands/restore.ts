import { buildCommand } from '@stricli/core';
import type { Context } from '../context.ts';
import { examples } from '../examples.ts';
import { outputAliases, outputFlags } from '../flags.ts';
import type { OutputFlags } from '../report.ts';

export const restoreCommand = buildCommand<OutputFlags, [], Context>({
  loader: async () => (await import('../restore.ts')).restore,
  parameters: { flags: { ...outputFlags }, aliases: outputAliases },
  docs: {
    brief: 'Put what was in force back into the kernel, for after a reboot',
    customUsage: examples(['', 'what apply and restrict have stored is in force again']),
    fullDescription: `The kernel forgets its rules at a reboot; this brings them back before anything answers on a node port, when it is run by the
service deploy/systemd/portcullis.service. A change that nobody had confirmed in time is taken back.`,
  },
});
