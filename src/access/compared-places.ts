import { PROTOCOLS, type Protocol } from '../net/protocol.ts';
import { exposureId } from './exposures.ts';
import type { GuardOf } from './guard-of.ts';
import type { Access, ExposureAccess } from './model.ts';

/** An exposure, or ports of one, at which two accesses are compared: by `port`, which stands for all of them. */
export interface ComparedPlace {
  readonly exposure: ExposureAccess;
  readonly port: number;
}

const isRange = ({ ports }: ExposureAccess): boolean => ports.first !== ports.last;

/**
 * Each exposure of either access once. Ranges are cut where one of the accesses has another range, or none, from there
 * on.
 */
export const comparedPlaces = (
  old: Access,
  fresh: Access,
  oldGuard: GuardOf,
  freshGuard: GuardOf,
): readonly ComparedPlace[] => {
  const all = [...fresh.exposures, ...old.exposures];
  const single = new Map<string, ExposureAccess>();
  for (const exposure of all) if (!isRange(exposure) && !single.has(exposure.id)) single.set(exposure.id, exposure);
  const ranges = all.filter(isRange);
  return [
    ...[...single.values()].map((exposure) => ({ exposure, port: exposure.ports.first })),
    ...PROTOCOLS.flatMap((protocol) =>
      pieces(
        protocol,
        ranges.filter((range) => range.protocol === protocol),
        new Set([...single.values()].flatMap((one) => (isLocal(one, protocol) ? [one.ports.first] : []))),
        (port) => [freshGuard(protocol, port, 'local'), oldGuard(protocol, port, 'local')],
      ),
    ),
  ];
};

const isLocal = ({ protocol, address }: ExposureAccess, wanted: Protocol): boolean =>
  address === null && protocol === wanted;

/**
 * The ports of some ranges in pieces that the same two exposures guard. `single`: ports that are compared by
 * themselves.
 */
const pieces = (
  protocol: Protocol,
  ranges: readonly ExposureAccess[],
  single: ReadonlySet<number>,
  guards: (port: number) => readonly [fresh: ExposureAccess | null, old: ExposureAccess | null],
): readonly ComparedPlace[] => {
  const starts = [...new Set(ranges.flatMap(({ ports }) => [ports.first, ports.last + 1]))].sort((a, b) => a - b);
  return starts.flatMap((first, index) => {
    const last = (starts[index + 1] ?? first) - 1;
    let port = first;
    while (port <= last && single.has(port)) port++;
    if (port > last) return [];
    const [fresh, old] = guards(port);
    const exposure = fresh ?? old;
    if (exposure === null) return [];
    const ports = { first, last };
    return [{ exposure: { ...exposure, ports, id: exposureId(null, ports, protocol) }, port }];
  });
};
