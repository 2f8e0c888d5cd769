import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import {
  allowFailsafeFlag,
  dryRunFlag,
  fileAliases,
  filesFlag,
  machineFlags,
  outputAliases,
  outputFlags,
  riskFlags,
} from '../input/flags.ts';
import type { ApplyFlags } from '../verbs/apply.ts';

export const applyCommand = buildCommand<ApplyFlags, [], Context>({
  loader: async () => (await import('../verbs/apply.ts')).apply,
  parameters: {
    flags: {
      ...filesFlag,
      ...machineFlags,
      ...allowFailsafeFlag,
      ...riskFlags,
      ...dryRunFlag,
      ...outputFlags,
    },
    aliases: { ...outputAliases, ...fileAliases },
  },
  docs: {
    brief: 'Make the given policies the whole declared set, and the kernel enforce it',
    customUsage: examples(
      ['-f policies/', 'make it so'],
      ['-f policies/ --dry-run', 'who gains, who loses, which connections would be cut'],
      ['-f policies/ --confirm-within 60s', 'taken back unless portcullis confirm follows'],
      ['-f policies/ -f -', 'also what kubectl get svc,nodes -A -o yaml pipes in'],
    ),
    fullDescription: `Makes the given policies the whole declared set, and the kernel enforce it. The objects replace those of the last apply; the policies
of restrict stay beside them. On a terminal a change that cuts a connection of your own host waits 60 s to be confirmed.`,
  },
});
