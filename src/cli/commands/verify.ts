import { buildCommand } from '@stricli/core';
import type { Context } from '../context.ts';
import { examples } from '../examples.ts';
import {
  allowFailsafeFlag,
  fileAliases,
  machineFlags,
  optionalFilesFlag,
  outputAliases,
  outputFlags,
  type MachineFlags,
} from '../flags.ts';
import type { OutputFlags } from '../report.ts';

export interface VerifyFlags extends OutputFlags, MachineFlags {
  readonly file?: readonly string[];
  readonly allowFailsafe?: readonly string[];
}

export const verifyCommand = buildCommand<VerifyFlags, [], Context>({
  loader: async () => (await import('../verify.ts')).verify,
  parameters: {
    flags: { ...optionalFilesFlag, ...machineFlags, ...allowFailsafeFlag, ...outputFlags },
    aliases: { ...outputAliases, ...fileAliases },
  },
  docs: {
    brief: "Prove from the kernel's own listing that the policies are in force",
    customUsage: examples(['', 'are the applied policies in force?'], ['-f policies/', 'are these?']),
    fullDescription: `Proves from the kernel's own listing that the policies are in force. Compares as sets over all addresses.
Exit status: 0 it holds, 1 it does not; then the sources that gained (+) or lost (-) a port are shown with the rule that decides.`,
  },
});
