import type { PortRange } from '../../net/port.ts';
import type { PrefixSet } from '../../net/prefix-set.ts';
import type { RealServer, VirtualServer } from '../../ruleset/ipvs.ts';
import type { Fraction, NatStep } from '../../lower/step.ts';
import type { Assumption } from './outcome.ts';
import type { Place } from './place.ts';
import type { Fork, TraceStep } from './trace.ts';

/** The address is the source as the packet came: one of the state's set. */
export const SOURCES = Symbol('one of the sources');

/** An address of the packet; undefined: cannot be told. */
export type PacketAddress = bigint | typeof SOURCES | undefined;

/** Ports that it may be, ascending; empty: the protocol has none. */
export type Ports = readonly PortRange[];

export const ANY_PORT: Ports = [{ first: 1, last: 65_535 }];
export const NO_PORT: Ports = [];
export const onePort = (port: number): Ports => [{ first: port, last: port }];

/** The one port that it is; null: several, or none. */
export const thePort = (ports: Ports): number | null => {
  const [only] = ports;
  return only !== undefined && ports.length === 1 && only.first === only.last ? only.first : null;
};

/** One side of a connection's two. */
export interface Tuple {
  readonly source: PacketAddress;
  readonly destination: PacketAddress;
  readonly sourcePort: Ports;
  readonly destinationPort: Ports;
}

/** What the connection tracker holds for the packet. */
export interface Connection {
  /** undefined: nothing is known of it but its direction. */
  readonly state: 'new' | 'established' | 'related' | undefined;
  readonly direction: 'original' | 'reply';
  readonly original: Tuple;
  readonly reply: Tuple;
  /** The nat chains have been asked about the destination, about the source: once in a connection's life. */
  readonly dnatDone: boolean;
  readonly snatDone: boolean;
  /** They made a mapping. */
  readonly dnat: boolean;
  readonly snat: boolean;
  readonly confirmed: boolean;
  readonly seenReply: boolean;
  readonly assured: boolean;
  /** undefined: cannot be told. */
  readonly mark: bigint | undefined;
  readonly zone: bigint | undefined;
}

/** Where a routing decision sends a packet. */
export interface StateRoute {
  readonly local: boolean;
  /** `lo` for the node itself. */
  readonly device: string;
  readonly nextHop: bigint | null;
  readonly place: Place;
  /** The route's network has no fixed bits: out into the world. */
  readonly isDefault: boolean;
}

/** A list that grows at its end and is shared at its beginning. */
export interface Grown<T> {
  readonly last: T;
  readonly before: Grown<T> | null;
}

/** What the path of a state is made of: steps, and the branches it took. */
export type PathItem =
  | TraceStep
  | {
      readonly kind: 'branch';
      readonly fork: Fork;
      readonly at: Place;
      readonly share: Fraction | null;
      readonly assuming: Assumption | null;
    };

/** To which server IPVS gives a packet, and the port at which it arrives there. */
export interface Balance {
  readonly service: VirtualServer;
  readonly server: RealServer;
  readonly port: number | null;
}

/**
 * A packet, or all packets alike but for their source, at one point of the way. Never changed: each step makes a new
 * one.
 */
export interface State {
  /** The sources, as the packets came, that are here. */
  readonly sources: PrefixSet;
  /** The one source, where there is only one. */
  readonly point: bigint | null;
  readonly source: PacketAddress;
  readonly sourcePort: Ports;
  /**
   * On its way through the node a packet has one: {@link destinationOf}. A chain by itself can be asked about all of
   * them at once.
   */
  readonly destination: PacketAddress;
  /** null: none; undefined: cannot be told. */
  readonly destinationPort: number | null | undefined;
  readonly mark: bigint | undefined;
  readonly ttl: bigint | undefined;
  readonly dscp: bigint | undefined;
  /** Bytes, with the IP header. */
  readonly length: bigint | undefined;
  /** Names; empty: none at this hook. */
  readonly in: string;
  readonly out: string;
  /** The device that it came by; empty: a program of the node sent it. */
  readonly arrived: string;
  /** The routing decision in force; null: none yet. */
  readonly route: StateRoute | null;
  /** What the tracker was told before it sees the packet; null: nothing. A zone that is undefined cannot be told. */
  readonly template: { readonly zone: bigint | undefined } | null;
  /** null: the tracker has not seen the packet. */
  readonly connection: Connection | 'untracked' | 'invalid' | null;
  /** A local program sent it, and it has not been looped back yet. */
  readonly hasSocket: boolean;
  readonly ipvs: Balance | null;
  /** The rule or service that chose where the packet goes, and how. */
  readonly chosen: { readonly at: Place; readonly how: NatStep['how'] | 'ipvs' | 'earlier' } | null;
  readonly translatedSource: boolean;
  readonly weight: Fraction;
  /** A part of the weight is a share in the long run rather than chance. */
  readonly shared: boolean;
  readonly assuming: Grown<Assumption> | null;
  readonly chances: Grown<Place> | null;
  /** null where nobody asks for steps. */
  readonly path: Grown<PathItem> | null;
}

/** The items in order. */
export const listed = <T>(grown: Grown<T> | null): readonly T[] => {
  const items: T[] = [];
  for (let one = grown; one !== null; one = one.before) items.push(one.last);
  return items.reverse();
};

/**
 * The one destination of a packet on its way. An open one is no packet's on its way (only filter chains are asked about
 * those, by the proof), so that it counts as the unspecified address, which nothing routes or rewrites.
 */
export const destinationOf = ({ destination }: State): bigint => (typeof destination === 'bigint' ? destination : 0n);

/** The tracker holds nothing for the packet: it has not seen it, or calls it invalid. */
export const hasNoConnection = ({ connection }: State): boolean => connection === null || connection === 'invalid';
