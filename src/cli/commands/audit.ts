import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { dumpFlags } from '../input/dump-flags.ts';
import { examples } from '../output/examples.ts';
import { outputAliases, outputFlags } from '../input/flags.ts';
import type { AuditFlags } from '../verbs/audit.ts';

const list = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: String, variadic: ',', optional: true, brief, placeholder }) as const;

export const auditCommand = buildCommand<AuditFlags, string[], Context>({
  loader: async () => (await import('../verbs/audit.ts')).audit,
  parameters: {
    positional: {
      kind: 'array',
      parameter: { brief: 'With --diff: the snapshots before and after', parse: String, placeholder: 'SNAPSHOT' },
    },
    flags: {
      entry: list('Interfaces that packets come in by, or node (else those of the default routes)', 'interface'),
      port: list('Only these ports', 'port'),
      all: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Also listening sockets and ports that other rules publish',
      },
      order: list('Chains or tables of one priority in the order in which they run', 'chain'),
      services: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        brief: 'Manifests of all Services, to find node ports without one',
        placeholder: 'file',
      },
      failOn: list('Exit with 1 when one of these findings is made (any: whichever)', 'finding'),
      diff: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Who gained and who lost which port between two snapshots',
      },
      ...dumpFlags,
      ...outputFlags,
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Who can reach each exposed port, over the whole address space, and what is wrong',
    customUsage: examples(
      ['', 'this node, now'],
      ['--snapshot node-1.json', 'from the dumps of any node'],
      ['--diff before.json after.json', 'who gained and who lost which port'],
      ['--fail-on open-to-internet,ipv6-open', 'for a pipeline'],
    ),
    fullDescription: 'docs/findings.md describes every finding.',
  },
});
