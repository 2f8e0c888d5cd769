import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { PROTOCOL_NUMBER, type Protocol } from '../net/protocol.ts';
import { single, symbol, type Value } from '../ruleset/values/data-type.ts';
import type { Field } from '../lower/step.ts';

/** What is fixed about a packet. One of its addresses, the `subject`, stays open: it is the set that rules split. */
export interface Packet {
  readonly family: Family;
  readonly subject: 'source' | 'destination';
  /** Values of the other fields; a field that is not here is unknown, and what depends on it may go either way. */
  readonly fields: ReadonlyMap<Field, Value>;
}

/** The kernel's address types that matter here (include/uapi/linux/rtnetlink.h, RTN_*). */
export type AddressType = 'local' | 'broadcast' | 'anycast' | 'multicast' | 'unicast';

/** An address that no rule names. */
const OTHER: Value = symbol('an address that no rule names');

/** A packet that comes in for a port of the node; its source is open. */
export const incoming = (to: {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly port: number;
  /** null: an address of the given type that no rule names. */
  readonly destination: Address | null;
  readonly type: AddressType;
  readonly direction: 'original' | 'reply' | 'untracked';
  readonly through?: 'lo' | 'elsewhere';
}): Packet => ({
  family: to.family,
  subject: 'source',
  fields: new Map<Field, Value>([
    ['family', single(to.family === 4 ? 2 : 10)],
    ['protocol', single(PROTOCOL_NUMBER[to.protocol])],
    ['destination-port', single(to.port)],
    ['destination', to.destination === null ? OTHER : single(to.destination.value)],
    ['destination-type', symbol(to.type)],
    ['direction', symbol(to.direction)],
    ['in-interface', symbol(to.through === 'lo' ? 'lo' : 'an interface that no rule names')],
  ]),
});

/** A packet that the node's side sends from one of its exposed ports to a client; its destination is open. */
export const outgoing = (from: {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly port: number;
  /** null: an address of this node that no rule names. */
  readonly source: Address | null;
}): Packet => ({
  family: from.family,
  subject: 'destination',
  fields: new Map<Field, Value>([
    ['family', single(from.family === 4 ? 2 : 10)],
    ['protocol', single(PROTOCOL_NUMBER[from.protocol])],
    ['source-port', single(from.port)],
    ['source', from.source === null ? OTHER : single(from.source.value)],
    ['source-type', symbol(from.source === null ? 'local' : 'unicast')],
    ['direction', symbol('reply')],
    ['out-interface', symbol('an interface that no rule names')],
  ]),
});
