import { ranges } from '../../net/prefix-set.ts';
import { certain } from '../../lower/fraction.ts';
import type { PacketSet } from './packet-set.ts';
import { ANY_PORT, NO_PORT, onePort, SOURCES, type State } from './state.ts';

/** Protocols whose packets have ports: TCP, UDP, DCCP, SCTP, UDPLite. */
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

const numberOf = (
  packet: PacketSet,
  field: 'mark' | 'ttl' | 'dscp' | 'length',
  otherwise: bigint | undefined,
): bigint | undefined => {
  const value = packet.fields.get(field);
  return value?.kind === 'range' ? value.first : otherwise;
};

/** The state in which a packet begins its way. */
export const startState = (packet: PacketSet): State => {
  const [first, ...more] = ranges(packet.sources);
  const single = first !== undefined && more.length === 0 && first.first === first.last;
  const device = packet.entry.kind === 'node' ? '' : packet.entry.name;
  const hasPorts = WITH_PORTS.has(packet.protocol);
  return {
    sources: packet.sources,
    point: single ? first.first : null,
    source: SOURCES,
    sourcePort: !hasPorts ? NO_PORT : packet.sourcePort === null ? ANY_PORT : onePort(packet.sourcePort),
    destination: packet.destination,
    destinationPort: hasPorts ? packet.destinationPort : null,
    mark: numberOf(packet, 'mark', 0n),
    ttl: numberOf(packet, 'ttl', 64n),
    dscp: numberOf(packet, 'dscp', undefined),
    length: numberOf(packet, 'length', undefined),
    in: device,
    out: '',
    arrived: device,
    route: null,
    template: null,
    connection: null,
    hasSocket: packet.entry.kind === 'node',
    ipvs: null,
    chosen: null,
    translatedSource: false,
    weight: certain,
    shared: false,
    assuming: null,
    chances: null,
    path: null,
  };
};
