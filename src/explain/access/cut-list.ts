import type { CutFlow } from '../../access/flow.ts';
import { formatAddress } from '../../net/address.ts';

/** Cut connections by client. The clients with the most come first. */
export const cutByClient = (cut: readonly CutFlow[]): readonly (readonly [client: string, connections: number])[] => {
  const counts = new Map<string, number>();
  for (const { flow } of cut) {
    const client = formatAddress(flow.source);
    counts.set(client, (counts.get(client) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
};

/** `2 connections: 203.0.113.7 (1), 198.51.100.9 (1)`. */
export const describeCut = (cut: readonly CutFlow[], most = 4): string => {
  const clients = cutByClient(cut);
  const shown = clients.slice(0, most).map(([client, count]) => `${client} (${count})`);
  const more = clients.length - shown.length;
  return `${cut.length} connection${cut.length === 1 ? '' : 's'}: ${shown.join(', ')}${more > 0 ? ` and ${more} more clients` : ''}`;
};

/** As data: each connection as the client addressed it. */
export const cutJson = (cut: readonly CutFlow[]) =>
  cut.map(({ flow, exposure }) => ({
    exposure: exposure.id,
    protocol: flow.protocol,
    source: formatAddress(flow.source),
    sourcePort: flow.sourcePort,
    destination: formatAddress(flow.destination),
    destinationPort: flow.destinationPort,
  }));
