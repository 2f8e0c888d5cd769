import type { Address } from '../../net/address.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { UnnamedExposure } from './found.ts';

export const ofListeners = ({ host: { listeners } }: Ruleset): readonly UnnamedExposure[] =>
  isAbsent(listeners)
    ? []
    : listeners.flatMap(({ protocol, address, families, port }) => {
        if (address !== null && isLoopback(address)) return [];
        return families.map((family) => ({
          kind: 'HostPort' as const,
          family,
          protocol,
          port,
          address,
          service: null,
          from: 'listening socket',
        }));
      });

const isLoopback = ({ family, value }: Address): boolean => (family === 4 ? value >> 24n === 127n : value === 1n);
