import type { ExposureAccess } from '../../access/model.ts';
import { formatAddress } from '../../net/address.ts';
import { formatPorts } from '../../net/port.ts';
import { PROTOCOLS, type Protocol } from '../../net/protocol.ts';

/** Exposures on the same ports that are told together: `30001/tcp,udp`. */
export interface ExposureGroup {
  readonly title: string;
  readonly protocols: readonly Protocol[];
  /** The first of them stands for all. */
  readonly exposure: ExposureAccess;
  readonly members: readonly ExposureAccess[];
}

const placeOf = ({ address, ports }: ExposureAccess): string =>
  address === null
    ? formatPorts(ports)
    : `${address.family === 6 ? `[${formatAddress(address)}]` : formatAddress(address)}:${formatPorts(ports)}`;

const byPlace = (a: ExposureAccess, b: ExposureAccess): number =>
  Number(a.address !== null) - Number(b.address !== null) ||
  (a.address?.family ?? 0) - (b.address?.family ?? 0) ||
  Number((a.address?.value ?? 0n) > (b.address?.value ?? 0n)) -
    Number((a.address?.value ?? 0n) < (b.address?.value ?? 0n)) ||
  a.ports.first - b.ports.first ||
  PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol);

/** Puts together what stands on the same ports and address and has the same `key`, in the order of the ports. */
export const groupByPorts = <T extends { readonly exposure: ExposureAccess }>(
  items: readonly T[],
  key: (item: T) => string,
): readonly { readonly group: ExposureGroup; readonly item: T; readonly items: readonly T[] }[] => {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items.toSorted((a, b) => byPlace(a.exposure, b.exposure))) {
    const id = `${placeOf(item.exposure)} ${key(item)}`;
    const found = groups.get(id);
    if (found === undefined) groups.set(id, [item]);
    else found.push(item);
  }
  return [...groups.values()].map((list) => {
    const protocols = PROTOCOLS.filter((protocol) => list.some(({ exposure }) => exposure.protocol === protocol));
    const { exposure } = list[0];
    return {
      group: {
        title: `${placeOf(exposure)}/${protocols.join(',')}`,
        protocols,
        exposure,
        members: list.map((item) => item.exposure),
      },
      item: list[0],
      items: list,
    };
  });
};
