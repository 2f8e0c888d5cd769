import type { Address } from '../../net/address.ts';
import type { Host } from '../../ruleset/host.ts';
import { fibLookup, type FibKey } from './fib.ts';
import { hostIndex } from './host-index.ts';
import { addressFor } from './source-address.ts';

const OWN: FibKey = { source: null, mark: 0n, in: 'lo', protocol: 0, sourcePort: null, destinationPort: null };

/**
 * The interfaces by which packets from an address come in: those of the route to it; several where the route has
 * several ways, none where nothing leads there or no dump tells the routes. An address of the node itself comes in by
 * `lo`.
 */
export const entryInterfaces = (host: Host, address: Address): readonly string[] => {
  const [found] = fibLookup(hostIndex(host, address.family), address.value, OWN, null);
  if (found?.result.kind !== 'route') return [];
  const { route } = found.result;
  if (route.type === 'local') return ['lo'];
  const devices = route.hops.length === 0 ? [route.device] : route.hops.map(({ device }) => device);
  return [...new Set(devices.flatMap((device) => device ?? []))];
};

/**
 * The source that the kernel chooses for a packet of the node to a destination; null: no route leads there, or no dump
 * tells.
 */
export const sourceFor = (host: Host, destination: Address): Address | null => {
  const index = hostIndex(host, destination.family);
  const [found] = fibLookup(index, destination.value, OWN, null);
  if (found?.result.kind !== 'route') return null;
  const { route } = found.result;
  if (route.source !== null) return route.source;
  if (route.type === 'local') return destination;
  const [hop] = route.hops;
  const via = route.via ?? hop?.via ?? destination;
  const value = addressFor(index, route.device ?? hop?.device ?? '', via.value);
  return value === null || value === undefined ? null : { family: destination.family, value };
};
