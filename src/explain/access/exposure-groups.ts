import type { ExposureAccess } from '../../access/model.ts';
import { formatAddress, withPort } from '../../net/address.ts';
import { formatPorts } from '../../net/port.ts';
import { PROTOCOLS, type Protocol } from '../../net/protocol.ts';
import { grouped } from '../words/number-words.ts';

/** Exposures on the same ports that are told together: `30001/tcp,udp`. */
export interface ExposureGroup {
  readonly title: string;
  readonly protocols: readonly Protocol[];
  /** The first of them represents all. */
  readonly exposure: ExposureAccess;
  readonly members: readonly ExposureAccess[];
}

const placeOf = ({ address, ports }: ExposureAccess): string =>
  address === null ? formatPorts(ports) : withPort(address, formatPorts(ports));

const byPlace = (a: ExposureAccess, b: ExposureAccess): number =>
  Number(a.address !== null) - Number(b.address !== null) ||
  (a.address?.family ?? 0) - (b.address?.family ?? 0) ||
  Number((a.address?.value ?? 0n) > (b.address?.value ?? 0n)) -
    Number((a.address?.value ?? 0n) < (b.address?.value ?? 0n)) ||
  a.ports.first - b.ports.first ||
  PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol);

/** More than this many ports with one fate are told in one line. */
const MOST_ALONE = 2;
/** A line names at most this many stretches of ports. */
const MOST_STRETCHES = 4;

/** `30000-30009, 30012 and 3 more ports`. */
const stretchesText = (exposures: readonly ExposureAccess[]): string => {
  const stretches: { first: number; last: number }[] = [];
  for (const { ports } of exposures) {
    const before = stretches.at(-1);
    if (before !== undefined && before.last + 1 === ports.first) before.last = ports.last;
    else stretches.push({ ...ports });
  }
  const shown = stretches
    .slice(0, MOST_STRETCHES)
    .map((stretch) => formatPorts(stretch))
    .join(', ');
  const rest = stretches.slice(MOST_STRETCHES).reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return rest === 0 ? shown : `${shown} and ${grouped(rest)} more ports`;
};

/** Groups that are told in one line. */
export interface Fated<G> {
  readonly title: string;
  readonly of: readonly [G, ...G[]];
}

/** Groups of one fate (`key`) on more than a few local ports become one line, at the place of the first of them. */
export const groupByFate = <G extends { readonly group: ExposureGroup }>(
  groups: readonly G[],
  key: (group: G) => string,
): readonly Fated<G>[] => {
  const byKey = new Map<string, [G, ...G[]]>();
  for (const one of groups) {
    const { address, ports } = one.group.exposure;
    const place = address === null ? '' : `${formatAddress(address)} ${formatPorts(ports)}`;
    const id = `${place}|${one.group.protocols.join()}|${key(one)}`;
    const same = byKey.get(id);
    if (same === undefined) byKey.set(id, [one]);
    else same.push(one);
  }
  return [...byKey.values()].flatMap((list): readonly Fated<G>[] => {
    const [first] = list;
    if (list.length <= MOST_ALONE) return list.map((one) => ({ title: one.group.title, of: [one] }));
    const title = `${stretchesText(list.map(({ group }) => group.exposure))}/${first.group.protocols.join(',')}`;
    return [{ title, of: list }];
  });
};

/** Joins the exposures on the same ports and address with the same `key`, in the order of the ports. */
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
