import { readIpPacket, type IpPacket } from './ip-packet.ts';

// What the kernel's nfnetlink_log says about one packet, as tcpdump writes it (LINKTYPE_NFLOG, tcpdump.org/linktypes):
// a header of four bytes, then attributes, their length and type in the byte order of the machine, their numbers in
// that of the network.

/** The link type of such captures. */
export const LINKTYPE_NFLOG = 239;

/** One message: what the rule or the tracer calls it, and the packet. */
export interface Logged {
  readonly prefix: string;
  /** Numbers of interfaces; 0: none. */
  readonly in: number;
  readonly out: number;
  readonly mark: number;
  readonly packet: IpPacket;
}

/** include/uapi/linux/netfilter/nfnetlink_log.h, enum nfulnl_attr_type. */
const NFULA_MARK = 2;
const NFULA_IFINDEX_INDEV = 4;
const NFULA_IFINDEX_OUTDEV = 5;
const NFULA_PAYLOAD = 9;
const NFULA_PREFIX = 10;

/** Two flags stand above the type (include/uapi/linux/netlink.h, NLA_TYPE_MASK). */
const TYPE_MASK = 0x3fff;

const HEADER = 4;

/** The text before its final zero. */
const textOf = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
};

const numberOf = (bytes: Uint8Array | undefined): number =>
  bytes === undefined || bytes.length < 4
    ? 0
    : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, false);

const attributesOf = (bytes: Uint8Array, littleEndian: boolean): ReadonlyMap<number, Uint8Array> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<number, Uint8Array>();
  let at = HEADER;
  while (at + 4 <= bytes.length) {
    const length = view.getUint16(at, littleEndian);
    if (length < 4) break;
    // The packet comes last and may be cut off.
    found.set(view.getUint16(at + 2, littleEndian) & TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
};

/** One record of a capture of link type NFLOG; null: not about an IP packet, or broken. */
export const readNflog = (bytes: Uint8Array, littleEndian: boolean): Logged | null => {
  const found = attributesOf(bytes, littleEndian);
  const packet = readIpPacket(found.get(NFULA_PAYLOAD) ?? new Uint8Array());
  const prefix = found.get(NFULA_PREFIX);
  return packet === null || prefix === undefined
    ? null
    : {
        prefix: textOf(prefix),
        in: numberOf(found.get(NFULA_IFINDEX_INDEV)),
        out: numberOf(found.get(NFULA_IFINDEX_OUTDEV)),
        mark: numberOf(found.get(NFULA_MARK)),
        packet,
      };
};
