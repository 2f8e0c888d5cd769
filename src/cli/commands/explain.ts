import { buildCommand } from '@stricli/core';
import { STATES } from '../../explain/question/packet-request.ts';
import type { Context } from '../output/context.ts';
import { dumpFlags } from '../input/dump-flags.ts';
import { examples } from '../output/examples.ts';
import { fileAliases, outputAliases, outputFlags } from '../input/flags.ts';
import type { ExplainFlags } from '../verbs/explain.ts';

const text = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: String, optional: true, brief, placeholder }) as const;

export const explainCommand = buildCommand<ExplainFlags, [], Context>({
  loader: async () => (await import('../verbs/explain.ts')).explain,
  parameters: {
    flags: {
      from: text('Who sends: an address, node, node:ADDRESS or pod:ADDRESS', 'sender'),
      to: text('Where to: ADDRESS:PORT, ADDRESS:PORT/udp, [IPv6]:PORT', 'destination'),
      in: text('The interface that it comes in by (else that of the way back to the sender)', 'interface'),
      state: {
        kind: 'enum',
        values: STATES,
        default: 'new',
        brief: 'How connection tracking sees the packet',
      },
      sport: {
        kind: 'parsed',
        parse: Number,
        optional: true,
        brief: 'The source port (else any)',
        placeholder: 'port',
      },
      batch: text('A file of packets, one JSON object per line, or - for standard input', 'file'),
      whyNot: text("Why did this rule not decide? Its place ('filter INPUT 3') or its text", 'rule'),
      with: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        brief: 'As if this iptables or nft command had been given',
        placeholder: 'command',
      },
      file: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        brief: 'As if these policies were applied',
        placeholder: 'file',
      },
      order: {
        kind: 'parsed',
        parse: String,
        variadic: ',',
        optional: true,
        brief: 'Chains or tables of one priority in the order in which they run',
        placeholder: 'chain',
      },
      services: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        brief: 'Manifests of Services, to name what the dumps do not',
        placeholder: 'file',
      },
      ...dumpFlags,
      output: {
        kind: 'enum',
        values: ['tree', 'json', 'yaml', 'svg'],
        default: 'tree',
        brief: 'How to print',
      },
      texts: { kind: 'boolean', default: true, brief: 'The rules themselves beside what they are for' },
      color: outputFlags.color,
    },
    aliases: { ...outputAliases, ...fileAliases },
  },
  docs: {
    brief: 'Where a packet goes, and which rule decides',
    customUsage: examples(
      ['--from 203.0.113.20 --to 192.0.2.10:30001', 'on this node, now'],
      ['--from 203.0.113.20 --to 192.0.2.10:30001 --snapshot node-1.json', 'from the dumps of any node'],
      ['--from node --to 10.96.0.1:443', 'what a program of the node sees'],
      ['--from pod:10.244.1.7 --to 10.96.10.1:80', 'what a pod sees'],
      ["--from 203.0.113.20 --to 192.0.2.10:30001 --why-not 'filter INPUT 3'", 'why that rule changes nothing'],
      ["--from 203.0.113.20 --to 192.0.2.10:30001 --with 'iptables -I INPUT …'", 'what it would change'],
      ['--batch packets.jsonl --snapshot node-1.json', 'many packets, with what is expected of them'],
    ),
  },
});
