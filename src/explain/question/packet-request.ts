import { error, fail, ok, shift, type Result, type Span } from '../../diagnostic/diagnostic.ts';
import { parseAddress, type Address } from '../../net/address.ts';
import { PROTOCOL_NUMBER, PROTOCOLS, type Protocol } from '../../net/protocol.ts';
import type { ConnectionState } from '../../simulate/state/packet-set.ts';

/** Who sends: an address outside, a program of the node (its address may be fixed), or a pod. */
export type Sender =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'node'; readonly address: Address | null }
  | { readonly kind: 'pod'; readonly address: Address };

/** A packet as people ask for it. */
export interface PacketRequest {
  readonly from: Sender;
  readonly to: Address;
  readonly port: number;
  readonly protocol: Protocol;
  /** The interface that it comes in by; null: the one of the way back to the sender. */
  readonly in: string | null;
  readonly state: ConnectionState;
  readonly sourcePort: number | null;
}

const at = (name: string, text: string) => ({ source: { name, text } });

const problem = (name: string, text: string, code: string, message: string, hint: string, span?: Span) =>
  fail({ ...error(code, message, span ?? { start: 0, end: Math.max(1, text.length) }, hint), ...at(name, text) });

const address = (name: string, text: string, offset: number): Result<Address> => {
  const parsed = parseAddress(text.slice(offset));
  return parsed.ok ? parsed : fail(...parsed.problems.map((one) => shift(one, offset, { name, text })));
};

/** `203.0.113.20`, `node`, `node:192.0.2.10`, `pod:10.244.1.7`. */
export const readSender = (text: string, name = '--from'): Result<Sender> => {
  if (text === 'node') return ok({ kind: 'node', address: null });
  const [, kind] = /^(node|pod):/.exec(text) ?? [];
  const read = address(name, text, kind === undefined ? 0 : kind.length + 1);
  if (!read.ok) return read;
  return ok({ kind: kind === 'node' || kind === 'pod' ? kind : 'address', address: read.value });
};

const DESTINATION = /^(?:\[(?<v6>[^\]]*)\]|(?<v4>[^:/]*)):(?<port>[^/:]*)(?:\/(?<protocol>.*))?$/;

const TO_HINT = 'Write ADDRESS:PORT or ADDRESS:PORT/PROTOCOL: 192.0.2.10:30001, [2001:db8::1]:30001/udp';

/** `192.0.2.10:30001`, `[2001:db8::1]:30001/udp`; tcp unless said. */
export const readDestination = (
  text: string,
  name = '--to',
): Result<{ readonly to: Address; readonly port: number; readonly protocol: Protocol }> => {
  const groups = DESTINATION.exec(text)?.groups;
  if (groups === undefined)
    return problem(name, text, 'destination-syntax', 'this is not a destination with a port', TO_HINT);
  const { v4, v6, port = '', protocol = 'tcp' } = groups;
  const read = address(name, v6 === undefined ? text.slice(0, (v4 ?? '').length) : v6, 0);
  if (!read.ok)
    return v6 === undefined
      ? fail(...read.problems.map((one) => ({ ...one, ...at(name, text) })))
      : fail(...read.problems.map((one) => shift(one, 1, { name, text })));
  const portAt = text.lastIndexOf(`:${port}`) + 1;
  const number = Number(port);
  if (!/^\d{1,5}$/.test(port) || number < 1 || number > 65_535)
    return problem(name, text, 'port-syntax', `${JSON.stringify(port)} is not a port`, TO_HINT, {
      start: portAt,
      end: portAt + Math.max(1, port.length),
    });
  const known = PROTOCOLS.find((one) => one === protocol);
  return known === undefined
    ? problem(
        name,
        text,
        'protocol-unknown',
        `${JSON.stringify(protocol)} is not a protocol with ports`,
        'Write tcp, udp or sctp',
        {
          start: text.length - protocol.length,
          end: Math.max(text.length, text.length - protocol.length + 1),
        },
      )
    : ok({ to: read.value, port: number, protocol: known });
};

export const STATES = ['new', 'established', 'related', 'invalid', 'untracked'] as const;

/** IANA number of a request's protocol. */
export const protocolNumber = ({ protocol }: PacketRequest): number => PROTOCOL_NUMBER[protocol];

/** Both ends must be of one family. */
export const checkFamilies = (request: PacketRequest): Result<PacketRequest> => {
  const source = request.from.address;
  return source !== null && source.family !== request.to.family
    ? fail(
        error(
          'families-differ',
          `the sender is IPv${source.family} and the destination IPv${request.to.family}`,
          undefined,
          'Give both of one family',
        ),
      )
    : ok(request);
};
