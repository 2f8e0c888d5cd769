import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import type { SnapshotFlags } from '../verbs/snapshot.ts';

export const snapshotCommand = buildCommand<SnapshotFlags, [], Context>({
  loader: async () => (await import('../verbs/snapshot.ts')).snapshot,
  parameters: {
    flags: {
      output: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The file to write (mode 0600); without it, standard output',
        placeholder: 'file',
      },
      color: { kind: 'boolean', default: true, brief: 'Colour on a terminal' },
    },
    aliases: { o: 'output' },
  },
  docs: {
    brief: 'Everything that decides about packets on this node, in one file',
    customUsage: examples(
      ['-o node-1.json', 'keep it, to explain and audit elsewhere or later'],
      ['| gzip > node-1.json.gz', 'every command reads it gzipped as well'],
    ),
    fullDescription:
      'Rules of all tools, sets, IPVS, addresses, routes, settings, sockets and tracked connections. It holds no keys.',
  },
});
