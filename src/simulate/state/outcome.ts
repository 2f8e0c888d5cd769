import type { Fraction } from '../../lower/step.ts';
import type { Place } from './place.ts';

/** Something that the answer assumes. */
export interface Assumption {
  readonly at: Place;
  /**
   * match: a condition that cannot be told from the dumps holds or not. affinity: the client was here before
   * (`endpoint`: and is sent where it was sent then). order: this chain runs before the others of its priority.
   */
  readonly what: 'match' | 'affinity' | 'order';
  readonly holds: boolean | 'endpoint';
  /** What the condition is about: `limit`, `recent`, a module nobody knows. */
  readonly why: string;
}

export type Disposition = 'delivered' | 'local' | 'forwarded' | 'rejected' | 'dropped' | 'unroutable' | 'unknown';

export type Client = 'connects' | 'refused' | 'timeout' | 'host-unreachable' | 'net-unreachable' | 'depends';

/** An address and, where the protocol has them, a port. */
export interface Endpoint {
  readonly address: bigint;
  readonly port: number | null;
}

/**
 * What becomes of a packet, as far as this node decides it (docs: the contract of `outcomes[]`). Addresses are of the
 * packet's family.
 */
export interface Outcome {
  readonly result: Disposition;
  /**
   * Where the packet ends: the backend, the socket, the destination that it is forwarded to; null where it goes
   * nowhere.
   */
  readonly to: Endpoint | null;
  /** The source that the receiver sees; null: no receiver, or still a set of sources. */
  readonly source: bigint | null;
  readonly via: { readonly oif: string; readonly nextHop: bigint | null } | null;
  readonly where: 'this-node' | 'other-node' | 'outside' | null;
  readonly listener: boolean | null;
  /** How a refused packet is answered. */
  readonly reject: string | null;
  readonly client: Client;
  readonly returnPath: 'through-node' | 'may-bypass' | null;
  /** null under a match that cannot be told. */
  readonly probability: Fraction | null;
  readonly kind: 'random' | 'share' | 'certain' | 'unknown';
  readonly assuming: readonly Assumption[];
  readonly decidedBy: Place;
  /** Where the result is unknown: why, in a few words. */
  readonly why?: string;
  /** It is unknown because too many rules before this one cannot be told. */
  readonly gaveUp?: true;
}
