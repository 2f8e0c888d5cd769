import { cutFlows, type CutFlow } from '../access/flow.ts';
import type { Access } from '../access/model.ts';
import type { ReplyPlace } from '../compile/table/replies.ts';
import type { Address } from '../net/address.ts';
import { listFlows } from './conntrack.ts';

/** The tracked connections of refused clients, and where the packets of their servers must be stopped. */
export interface Cut {
  readonly flows: readonly CutFlow[];
  readonly places: readonly ReplyPlace[];
  /** Could the tracked connections be listed? If not, every guarded place is taken. */
  readonly known: boolean;
}

const placeKey = ({ address, protocol, port }: ReplyPlace): string =>
  `${address?.family} ${address?.value} ${protocol} ${port}`;

const distinct = (places: readonly ReplyPlace[]): readonly ReplyPlace[] => [
  ...new Map(places.map((place) => [placeKey(place), place])).values(),
];

/** Asks the kernel which tracked connections an access cuts. */
export const cutBy = async (access: Access, isLocal: (address: Address) => boolean): Promise<Cut> => {
  const tracked = await listFlows();
  if (tracked === null) return { flows: [], places: everyPlace(access), known: false };
  const flows = cutFlows(access, tracked, isLocal);
  const places = flows.map(({ flow, exposure }) => ({
    address: exposure.address,
    protocol: flow.protocol,
    port: flow.destinationPort,
  }));
  return { flows, places: distinct(places), known: true };
};

/** Ranges are left out: thousands of ports that usually nothing uses. */
const everyPlace = (access: Access): readonly ReplyPlace[] =>
  access.exposures
    .filter(({ selection, ports }) => selection !== null && ports.first === ports.last)
    .map(({ address, protocol, ports }) => ({ address, protocol, port: ports.first }));

/** Both lists, each place once. */
export const mergePlaces = (a: readonly ReplyPlace[], b: readonly ReplyPlace[]): readonly ReplyPlace[] =>
  distinct([...a, ...b]);
