import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { dumpFlags } from '../input/dump-flags.ts';
import { examples } from '../output/examples.ts';
import {
  allowFailsafeFlag,
  fileAliases,
  machineFlags,
  optionalFilesFlag,
  outputAliases,
  outputFlags,
} from '../input/flags.ts';
import type { VerifyFlags } from '../verbs/verify.ts';

export const verifyCommand = buildCommand<VerifyFlags, [], Context>({
  loader: async () => (await import('../verbs/verify.ts')).verify,
  parameters: {
    flags: {
      ...optionalFilesFlag,
      node: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Look at all rules of the node, not only at the own table (-f and dumps do so anyway)',
      },
      ...machineFlags,
      ...allowFailsafeFlag,
      ...dumpFlags,
      ...outputFlags,
    },
    aliases: { ...outputAliases, ...fileAliases },
  },
  docs: {
    brief: "Prove from the kernel's own listing that the policies are in force",
    customUsage: examples(
      ['', 'are the applied policies in force?'],
      ['--node', 'and does nothing else on this node open or close the ports?'],
      ['-f policies/', 'are these in force on the whole node?'],
      ['-f policies/ --snapshot node-1.json', 'on the node that the snapshot shows'],
    ),
    fullDescription: `Proves from the kernel's own listing that the policies are in force. Compares as sets over all addresses.
Of itself it reads the own table only, which is quick. With --node, -f or dumps it follows packets through the whole ruleset as well:
other rules that close a guarded port to allowed sources, or open it to others, are told with the rule.
Exit status: 0 it holds, 1 it does not; then the sources that gained (+) or lost (-) a port are shown with the rule that decides.`,
  },
});
