import type { Address } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { PROTOCOL_NUMBER } from '../../net/protocol.ts';
import { setOfRanges, type PrefixSet } from '../../net/prefix-set.ts';
import type { Value } from '../../ruleset/values/data-type.ts';
import type { Field } from '../../lower/field.ts';

/** Where a packet enters the kernel's path: it comes in by an interface, or a program of the node sends it. */
export type Entry = { readonly kind: 'interface'; readonly name: string } | { readonly kind: 'node' };

/** How the connection tracker sees the packet. */
export type ConnectionState = 'new' | 'established' | 'related' | 'invalid' | 'untracked';

/**
 * A packet whose source is a set: all packets that are alike but for their source address. One packet is a set of one.
 * Everything else is fixed; what is not said (`fields`) is unknown, and what depends on it goes both ways.
 */
export interface PacketSet {
  readonly family: Family;
  readonly sources: PrefixSet;
  readonly destination: bigint;
  /** IANA number. */
  readonly protocol: number;
  /** null: any. */
  readonly sourcePort: number | null;
  /** null: the protocol has none. */
  readonly destinationPort: number | null;
  readonly entry: Entry;
  /** The first packet of a connection unless said otherwise. */
  readonly state: ConnectionState;
  /** Which way an established connection's packet goes. */
  readonly direction: 'original' | 'reply';
  /** More that is known: `mark`, `length`, `socket-user`, `source-mac`, `in-bridge-port`, `icmp-type`, … */
  readonly fields: ReadonlyMap<Field, Value>;
  /**
   * What `fields` does not say is as an ordinary first packet has it (no fragment, no extension header), or unknown.
   */
  readonly unstated?: 'unknown';
}

const NO_FIELDS: ReadonlyMap<Field, Value> = new Map();

/** One packet, the first of a connection unless `state` says otherwise. Both addresses must be of one family. */
export const onePacket = (packet: {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly sourcePort?: number | null;
  readonly destinationPort: number | null;
  readonly entry: Entry;
  readonly state?: ConnectionState;
  readonly direction?: 'original' | 'reply';
  readonly fields?: ReadonlyMap<Field, Value>;
}): PacketSet => ({
  family: packet.source.family,
  sources: setOfRanges(packet.source.family, [{ first: packet.source.value, last: packet.source.value }]),
  destination: packet.destination.value,
  protocol: packet.protocol,
  sourcePort: packet.sourcePort ?? null,
  destinationPort: packet.destinationPort,
  entry: packet.entry,
  state: packet.state ?? 'new',
  direction: packet.direction ?? 'original',
  fields: packet.fields ?? NO_FIELDS,
});

/** ICMP or ICMPv6: packets that have a type instead of ports. */
export const isIcmp = ({ protocol }: PacketSet): boolean => protocol === 1 || protocol === 58;

export const SYN = 2n;
export const ACK = 16n;

/** The flags of TCP that are among some; null: not TCP, or they are not said. */
export const tcpFlags = ({ protocol, fields }: PacketSet, among: bigint): bigint | null => {
  const flags = fields.get('tcp-flags');
  return protocol === PROTOCOL_NUMBER.tcp && flags?.kind === 'range' ? flags.first & among : null;
};
