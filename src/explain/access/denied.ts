import type { Ledger, LedgerEntry } from '../../audit/counts/ledger.ts';
import { formatAddress } from '../../net/address.ts';

/** `3 s ago`, `12 min ago`, `5 h ago`. */
export const describeAgo = (seconds: number | null): string => {
  if (seconds === null) return '-';
  if (seconds < 100) return `${seconds} s ago`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
};

/** `30001/tcp`. */
export const describePort = ({ port, protocol }: LedgerEntry): string => `${port}/${protocol ?? 'other'}`;

/** The ledger as data. Packets and bytes as numbers: what one flow sends stays far below 2^53. */
export const ledgerJson = ({ entries, size, full }: Ledger) => ({
  entries: entries.map((entry) => ({
    source: formatAddress(entry.source),
    destination: formatAddress(entry.destination),
    protocol: entry.protocol,
    port: entry.port,
    packets: Number(entry.packets),
    bytes: Number(entry.bytes),
    secondsAgo: entry.secondsAgo,
  })),
  size,
  full,
});
