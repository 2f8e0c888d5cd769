import type { Address } from '../net/address.ts';
import type { Protocol } from '../net/protocol.ts';
import type { Access, ExposureAccess } from './model.ts';
import { exposureId } from './exposures.ts';

/**
 * Finds the exposure that judges a packet to `destination` (`local`: an address of the node that is no VIP); null: not
 * judged.
 */
export type GuardOf = (protocol: Protocol, port: number, destination: Address | 'local') => ExposureAccess | null;

/** Prepares the search: exact VIP first, then the exact local port, then the range around it, as in the kernel. */
export const guardsOf = (access: Access): GuardOf => {
  const exact = new Map(
    access.exposures.filter(({ ports }) => ports.first === ports.last).map((exposure) => [exposure.id, exposure]),
  );
  const ranges = access.exposures.filter(({ ports }) => ports.first !== ports.last);
  return (protocol, port, destination) => {
    const ports = { first: port, last: port };
    if (destination !== 'local') return exact.get(exposureId(destination, ports, protocol)) ?? null;
    return (
      exact.get(exposureId(null, ports, protocol)) ??
      ranges.find((range) => range.protocol === protocol && range.ports.first <= port && port <= range.ports.last) ??
      null
    );
  };
};
