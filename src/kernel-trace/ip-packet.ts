import { formatAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';

/** What the first bytes of an IP packet say (RFC 791, RFC 8200). */
export interface IpPacket {
  readonly family: Family;
  readonly source: string;
  readonly destination: string;
  /** IANA number of what it carries, behind IPv6's extension headers. */
  readonly protocol: number;
  /** null: the protocol has none, or they are not in these bytes. */
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  /** IPv4 alone. */
  readonly id: number | null;
  /** IPv6 alone. */
  readonly flowLabel: number | null;
}

/** TCP, UDP, DCCP, SCTP, UDP-Lite: the ports come first. */
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION = 60;

/** More extension headers than this nobody sends. */
const MOST_HEADERS = 16;

const addressAt = (view: DataView, at: number, family: Family): string => {
  const value = family === 4 ? BigInt(view.getUint32(at)) : (view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8);
  return formatAddress({ family, value });
};

const portsAt = (view: DataView, at: number, protocol: number, first: boolean) =>
  first && WITH_PORTS.has(protocol) && at + 4 <= view.byteLength
    ? { sourcePort: view.getUint16(at), destinationPort: view.getUint16(at + 2) }
    : { sourcePort: null, destinationPort: null };

const readIpv4 = (view: DataView): IpPacket | null => {
  const length = (view.getUint8(0) & 15) * 4;
  if (length < 20 || view.byteLength < 20) return null;
  const protocol = view.getUint8(9);
  const first = (view.getUint16(6) & 0x1fff) === 0;
  return {
    family: 4,
    source: addressAt(view, 12, 4),
    destination: addressAt(view, 16, 4),
    protocol,
    ...portsAt(view, length, protocol, first),
    id: view.getUint16(4),
    flowLabel: null,
  };
};

/** Where the payload of an IPv6 packet begins, what it is, and whether it is a first fragment. */
const payloadOf = (view: DataView): { readonly protocol: number; readonly at: number; readonly first: boolean } => {
  let protocol = view.getUint8(6);
  let at = 40;
  let first = true;
  for (let count = 0; count < MOST_HEADERS && at + 8 <= view.byteLength; count++) {
    const isFragment = protocol === FRAGMENT;
    const isOther = protocol === HOP_BY_HOP || protocol === ROUTING || protocol === DESTINATION;
    if (!isFragment && !isOther && protocol !== AUTHENTICATION) break;
    const length = view.getUint8(at + 1);
    if (isFragment) first = (view.getUint16(at + 2) & 0xfff8) === 0;
    protocol = view.getUint8(at);
    at += isFragment ? 8 : isOther ? (length + 1) * 8 : (length + 2) * 4;
  }
  return { protocol, at, first };
};

const readIpv6 = (view: DataView): IpPacket | null => {
  if (view.byteLength < 40) return null;
  const { protocol, at, first } = payloadOf(view);
  return {
    family: 6,
    source: addressAt(view, 8, 6),
    destination: addressAt(view, 24, 6),
    protocol,
    ...portsAt(view, at, protocol, first),
    id: null,
    flowLabel: view.getUint32(0) & 0xf_ffff,
  };
};

/** Reads the headers of an IP packet, of which the end may be missing; null: it is none. */
export const readIpPacket = (bytes: Uint8Array): IpPacket | null => {
  if (bytes.length === 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(0) >> 4;
  return version === 4 ? readIpv4(view) : version === 6 ? readIpv6(view) : null;
};
