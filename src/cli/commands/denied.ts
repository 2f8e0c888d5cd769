import { buildCommand } from '@stricli/core';
import type { Context } from '../context.ts';
import { outputAliases, outputFlags } from '../flags.ts';
import type { OutputFlags } from '../report.ts';

export interface DeniedFlags extends OutputFlags {
  readonly audit: boolean;
}

export const deniedCommand = buildCommand<DeniedFlags, [], Context>({
  loader: async () => (await import('../denied.ts')).denied,
  parameters: {
    flags: {
      audit: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Instead, who would be refused by policies of mode Audit',
      },
      ...outputFlags,
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Who was refused where, how often, and when last',
    fullDescription: `Examples:
  portcullis denied
  portcullis denied --audit     who would be refused if mode: Audit became Enforce
  portcullis denied -o json`,
  },
});
