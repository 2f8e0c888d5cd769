import type { ClientFlow } from '../access/flow.ts';
import { parseAddress } from '../net/address.ts';
import { PROTOCOLS } from '../net/protocol.ts';
import { runCommand } from './command.ts';

/** States of TCP in which nothing is sent any more (tcp_conntrack_names, net/netfilter/nf_conntrack_proto_tcp.c). */
const CLOSED = new Set(['TIME_WAIT', 'CLOSE']);

const FIELDS = /\b(src|dst|sport|dport)=(\S+)/g;

/** One line of `conntrack -L -o extended` (conntrack(8)): the first src, dst, sport and dport are the original direction. null: another protocol. */
export const readFlow = (line: string): ClientFlow | null => {
  const protocol = PROTOCOLS.find((known) => line.split(/\s+/, 4).includes(known));
  if (protocol === undefined) return null;
  const original = new Map<string, string>();
  for (const [, key, value] of line.matchAll(FIELDS))
    if (key !== undefined && value !== undefined && !original.has(key)) original.set(key, value);
  const [source, destination] = [original.get('src'), original.get('dst')].map((text) => parseAddress(text ?? ''));
  const [sourcePort, destinationPort] = [original.get('sport'), original.get('dport')].map(Number);
  if (
    source?.ok !== true ||
    destination?.ok !== true ||
    !Number.isInteger(sourcePort) ||
    !Number.isInteger(destinationPort)
  )
    return null;
  return {
    protocol,
    source: source.value,
    destination: destination.value,
    sourcePort: sourcePort ?? 0,
    destinationPort: destinationPort ?? 0,
    ...(line.split(/\s+/, 7).some((word) => CLOSED.has(word)) ? { closed: true } : {}),
  };
};

/** The tracked connections of both families (conntrack 1.4.7 lists both when none is named); null where they cannot be listed (conntrack is not installed, no rights). */
export const listFlows = async (): Promise<readonly ClientFlow[] | null> => {
  const result = await runCommand(['conntrack', '-L', '-o', 'extended']);
  if (result.kind !== 'done' || result.status !== 0) return null;
  return result.stdout.split('\n').flatMap((line) => readFlow(line) ?? []);
};
