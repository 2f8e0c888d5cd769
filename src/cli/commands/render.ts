import { buildCommand } from '@stricli/core';
import type { Context } from '../context.ts';
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

export interface RenderFlags extends OutputFlags, MachineFlags {
  readonly file?: readonly string[];
  readonly style: 'nft' | 'redirect';
  readonly family: 'ipv4' | 'ipv6';
  readonly allowFailsafe?: readonly string[];
}

export const renderCommand = buildCommand<RenderFlags, [], Context>({
  loader: async () => (await import('../render.ts')).render,
  parameters: {
    flags: {
      ...optionalFilesFlag,
      style: {
        kind: 'enum',
        values: ['nft', 'redirect'],
        default: 'nft',
        brief: 'nft: what apply loads; redirect: the classic nat/PREROUTING rules',
      },
      family: {
        kind: 'enum',
        values: ['ipv4', 'ipv6'],
        default: 'ipv4',
        brief: 'Of the redirect rules: for iptables-restore or ip6tables-restore',
      },
      ...machineFlags,
      ...allowFailsafeFlag,
      ...outputFlags,
    },
    aliases: { ...outputAliases, ...fileAliases },
  },
  docs: {
    brief: 'The text that would be loaded into the kernel',
    fullDescription: `Examples:
  portcullis render -f policies/
  portcullis render                                what is applied now
  portcullis render -f policies/ --style redirect | iptables-restore --noflush`,
  },
});
