import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import {
  allowFailsafeFlag,
  fileAliases,
  machineFlags,
  optionalFilesFlag,
  outputAliases,
  outputFlags,
} from '../input/flags.ts';
import type { RenderFlags } from '../verbs/render.ts';

export const renderCommand = buildCommand<RenderFlags, [], Context>({
  loader: async () => (await import('../verbs/render.ts')).render,
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
    customUsage: examples(
      ['', 'what is applied now, as nft text'],
      ['-f policies/', 'what would be loaded'],
      ['-f policies/ --style redirect', 'the classic rules instead, for iptables-restore --noflush'],
      ['-f policies/ --style redirect --family ipv6', 'the same for ip6tables-restore --noflush'],
    ),
  },
});
