import { buildCommand } from '@stricli/core';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import { outputFlags } from '../input/flags.ts';
import type { TraceFlags } from '../verbs/trace.ts';

export const traceCommand = buildCommand<TraceFlags, [], Context>({
  loader: async () => (await import('../verbs/trace.ts')).trace,
  parameters: {
    flags: {
      from: {
        kind: 'parsed',
        parse: String,
        brief: 'Who sends: an address, node, node:ADDRESS or pod:ADDRESS',
        placeholder: 'sender',
      },
      to: {
        kind: 'parsed',
        parse: String,
        brief: 'Where to: ADDRESS:PORT, ADDRESS:PORT/udp, [IPv6]:PORT',
        placeholder: 'destination',
      },
      in: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'The interface that it comes in by, for the simulation beside it',
        placeholder: 'interface',
      },
      wait: {
        kind: 'parsed',
        parse: String,
        default: '30s',
        brief: 'How long to wait for the packet',
        placeholder: 'time',
      },
      output: { kind: 'enum', values: ['tree', 'json', 'yaml'], default: 'tree', brief: 'How to print' },
      texts: { kind: 'boolean', default: true, brief: 'The rules themselves beside what they are for' },
      color: outputFlags.color,
    },
    aliases: { o: 'output' },
  },
  docs: {
    brief: 'The way of one real packet, told by the kernel itself',
    customUsage: examples(
      ['--from 203.0.113.20 --to 192.0.2.10:30001', 'waits for its next packet'],
      ['--from node --to 10.96.0.1:443', 'sends one itself'],
    ),
    fullDescription:
      "Arms the kernel's tracing for just that flow, shows what really happened, disarms (also on Ctrl-C), and tells any difference from the simulation. Rules of nftables, iptables-nft and legacy iptables stand in one tree; the legacy ones are heard by way of tcpdump.",
  },
});
