import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { aligned, sizeOfAttributes, writeAttributes, type Attribute } from './attribute.ts';
import { HEADER, SUBSYSTEM_NFTABLES } from './constants.ts';

/** One message to nfnetlink. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  /** The family of the tables that it is about; 0: all. */
  readonly family: number;
  /** For the begin and end of a batch: the subsystem whose batch it is. */
  readonly resource?: number;
  readonly attributes: readonly Attribute[];
}

/** The type of a message of nf_tables (include/uapi/linux/netfilter/nfnetlink.h: the subsystem is the upper byte). */
export const nftables = (message: number): number => (SUBSYSTEM_NFTABLES << 8) | message;

/** A message as bytes. `sequence`: what its answer carries. */
export const encodeMessage = (message: Message, sequence: number): Uint8Array => {
  const { type, flags, family, resource = 0, attributes } = message;
  const length = HEADER.both + sizeOfAttributes(attributes);
  const bytes = new Uint8Array(aligned(length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  view.setUint8(HEADER.netlink, family);
  view.setUint16(HEADER.netlink + 2, resource);
  writeAttributes(bytes, HEADER.both, attributes);
  return bytes;
};

/** A message of an answer: its header, and where what follows the header lies in the datagram. */
export interface Received {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The port of the socket that has asked for it or, of an event, whose message has caused it. */
  readonly port: number;
  readonly view: DataView;
  /** Where the payload begins, behind struct nlmsghdr. */
  readonly first: number;
  readonly end: number;
}

/** The problem of bytes that are no message of netlink. */
export const malformed = (what: string) =>
  fail(error('netlink-malformed', `the kernel's answer cannot be read: ${what}`));

/** The messages of one datagram. A length that does not fit is an error, and then none of them is given. */
export const messagesOf = (datagram: Uint8Array): Result<readonly Received[]> => {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const messages: Received[] = [];
  let at = 0;
  while (at < datagram.length) {
    if (at + HEADER.netlink > datagram.length) return malformed(`a header is cut at byte ${at}`);
    const length = view.getUint32(at, true);
    if (length < HEADER.netlink || at + length > datagram.length)
      return malformed(`a message at byte ${at} claims ${length} of ${datagram.length - at} bytes`);
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      port: view.getUint32(at + 12, true),
      view,
      first: at + HEADER.netlink,
      end: at + length,
    });
    at += aligned(length);
  }
  return ok(messages);
};
