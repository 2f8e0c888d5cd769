import { cutFlows, type ClientFlow, type CutFlow } from '../../access/flow.ts';
import type { Access } from '../../access/model.ts';
import type { ReplyPlace } from '../../compile/table/replies.ts';
import type { Address } from '../../net/address.ts';

/** The tracked connections of refused clients, and where the packets of their servers must be stopped. */
export interface Cut {
  readonly flows: readonly CutFlow[];
  readonly places: readonly ReplyPlace[];
}

const placeKey = ({ address, protocol, port }: ReplyPlace): string =>
  `${address?.family} ${address?.value} ${protocol} ${port}`;

const distinct = (places: readonly ReplyPlace[]): readonly ReplyPlace[] => [
  ...new Map(places.map((place) => [placeKey(place), place])).values(),
];

/**
 * What an access cuts of the tracked connections. null: they cannot be listed, so that every guarded place is taken.
 * `isLocal`: the node's own addresses.
 */
export const cutOf = (
  access: Access,
  tracked: readonly ClientFlow[] | null,
  isLocal: (address: Address) => boolean,
): Cut => {
  if (tracked === null) return { flows: [], places: everyPlace(access) };
  const flows = cutFlows(access, tracked, isLocal);
  const places = flows.map(({ flow, exposure }) => ({
    address: exposure.address,
    protocol: flow.protocol,
    port: flow.destinationPort,
  }));
  return { flows, places: distinct(places) };
};

/** Ranges are left out: thousands of ports that usually nothing uses. */
const everyPlace = (access: Access): readonly ReplyPlace[] =>
  access.exposures
    .filter(({ selection, ports }) => selection !== null && ports.first === ports.last)
    .map(({ address, protocol, ports }) => ({ address, protocol, port: ports.first }));

/** Both lists, each place once. */
export const mergePlaces = (a: readonly ReplyPlace[], b: readonly ReplyPlace[]): readonly ReplyPlace[] =>
  distinct([...a, ...b]);
