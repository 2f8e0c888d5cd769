import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import { allowFailsafeFlag, dryRunFlag, outputAliases, outputFlags, riskFlags } from '../input/flags.ts';
import type { RestrictFlags } from '../verbs/restrict.ts';

export const restrictCommand = buildCommand<RestrictFlags, [string], Context>({
  loader: async () => (await import('../verbs/restrict.ts')).restrict,
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Port, range or port/protocol: 30001, 30000-30099, 30001/udp', parse: String, placeholder: 'PORT' },
      ],
    },
    flags: {
      from: {
        kind: 'parsed',
        parse: String,
        variadic: ',',
        brief: 'Who may come in: a prefix or address, also several',
        placeholder: 'cidr',
      },
      otherwise: {
        kind: 'enum',
        values: ['drop', 'reject'],
        default: 'drop',
        brief: 'What the others get: silence (drop) or an answer (reject)',
      },
      add: { kind: 'boolean', default: false, withNegated: false, brief: 'Let these in besides those of before' },
      ...allowFailsafeFlag,
      ...riskFlags,
      ...dryRunFlag,
      ...outputFlags,
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Let some in on a port and refuse everyone else',
    customUsage: examples(
      ['30001 --from 198.51.100.0/30', 'let these four in, refuse everyone else'],
      ['30001 --from 10.0.0.0/8,2001:db8:1::/48 --otherwise reject', 'two prefixes; the others get an answer'],
      ['30001 --from 203.0.113.7 --add', 'besides those of before'],
      ['30000-32767/tcp --from 10.0.0.0/8', 'a range, one protocol'],
    ),
    fullDescription: `Lets some in on a port and refuses everyone else. Repeating it replaces who may come in. It stands beside the policies of apply, is
asked before them, and stays when they change. It is taken away by: portcullis remove 30001`,
  },
});
