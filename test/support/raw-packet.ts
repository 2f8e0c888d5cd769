import type { Address } from '../../src/net/address.ts';

/** A packet as bytes are made of it. */
export interface RawPacket {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  /** ICMP: the identifier. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly tcpFlags: number;
  /** IPv4: the identification; IPv6: the flow label. Tells packets apart in a trace. */
  readonly id: number;
  readonly ttl: number;
  readonly payload: number;
  /** TCP: the number of its first byte; 1000 where it is not said. */
  readonly sequence?: number;
  readonly acknowledgement?: number;
  /** ICMP: an echo reply. */
  readonly isAnswer?: boolean;
}

const bytesOf = ({ family, value }: Address): Buffer => {
  const length = family === 4 ? 4 : 16;
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
};

const checksum = (data: Buffer): number => {
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

const pseudoHeader = ({ source, destination, protocol }: RawPacket, length: number): Buffer => {
  const tail = Buffer.alloc(source.family === 4 ? 4 : 8);
  if (source.family === 4) {
    tail.writeUInt8(protocol, 1);
    tail.writeUInt16BE(length, 2);
  } else {
    tail.writeUInt32BE(length, 0);
    tail.writeUInt8(protocol, 7);
  }
  return Buffer.concat([bytesOf(source), bytesOf(destination), tail]);
};

/** CRC-32C, bit by bit (RFC 9260, appendix A). */
const crc32c = (data: Buffer): number => {
  let crc = 0xffff_ffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
};

/** The first packet of an association of SCTP: a common header and an INIT chunk (RFC 9260, 3.3.2). */
const init = ({ sourcePort, destinationPort }: RawPacket): Buffer => {
  const whole = Buffer.alloc(32);
  whole.writeUInt16BE(sourcePort, 0);
  whole.writeUInt16BE(destinationPort, 2);
  whole.writeUInt8(1, 12);
  whole.writeUInt16BE(20, 14);
  whole.writeUInt32BE(1, 16);
  whole.writeUInt32BE(65_536, 20);
  whole.writeUInt16BE(1, 24);
  whole.writeUInt16BE(1, 26);
  whole.writeUInt32BE(1000, 28);
  whole.writeUInt32LE(crc32c(whole), 8);
  return whole;
};

/** The type of an ICMP packet: an echo request or its reply (RFC 792, RFC 4443). */
export const icmpTypeOf = ({ protocol, isAnswer = false }: RawPacket): number =>
  protocol === 1 ? (isAnswer ? 0 : 8) : isAnswer ? 129 : 128;

const transport = (packet: RawPacket): Buffer => {
  const { protocol, sourcePort, destinationPort, tcpFlags, payload } = packet;
  const data = Buffer.alloc(payload, 0x61);
  if (protocol === 6) {
    const header = Buffer.alloc(20);
    header.writeUInt16BE(sourcePort, 0);
    header.writeUInt16BE(destinationPort, 2);
    header.writeUInt32BE(packet.sequence ?? 1000, 4);
    header.writeUInt32BE(packet.acknowledgement ?? 0, 8);
    header.writeUInt8(0x50, 12);
    header.writeUInt8(tcpFlags, 13);
    header.writeUInt16BE(64_240, 14);
    const whole = Buffer.concat([header, data]);
    whole.writeUInt16BE(checksum(Buffer.concat([pseudoHeader(packet, whole.length), whole])), 16);
    return whole;
  }
  if (protocol === 17) {
    const header = Buffer.alloc(8);
    header.writeUInt16BE(sourcePort, 0);
    header.writeUInt16BE(destinationPort, 2);
    header.writeUInt16BE(8 + payload, 4);
    const whole = Buffer.concat([header, data]);
    whole.writeUInt16BE(checksum(Buffer.concat([pseudoHeader(packet, whole.length), whole])) || 0xffff, 6);
    return whole;
  }
  if (protocol === 132) return init(packet);
  // An echo request, or its reply.
  const header = Buffer.alloc(8);
  header.writeUInt8(icmpTypeOf(packet), 0);
  header.writeUInt16BE(sourcePort, 4);
  header.writeUInt16BE(1, 6);
  const whole = Buffer.concat([header, data]);
  const covered = protocol === 1 ? whole : Buffer.concat([pseudoHeader(packet, whole.length), whole]);
  whole.writeUInt16BE(checksum(covered), 2);
  return whole;
};

/** The packet as it goes over the wire, from its IP header on. The kernel fills in IPv4's own checksum. */
export const packetBytes = (packet: RawPacket): Buffer => {
  const body = transport(packet);
  if (packet.source.family === 4) {
    const header = Buffer.alloc(12);
    header.writeUInt8(0x45, 0);
    header.writeUInt16BE(20 + body.length, 2);
    header.writeUInt16BE(packet.id, 4);
    header.writeUInt8(packet.ttl, 8);
    header.writeUInt8(packet.protocol, 9);
    return Buffer.concat([header, bytesOf(packet.source), bytesOf(packet.destination), body]);
  }
  const header = Buffer.alloc(8);
  header.writeUInt32BE(((6 << 28) | packet.id) >>> 0, 0);
  header.writeUInt16BE(body.length, 4);
  header.writeUInt8(packet.protocol, 6);
  header.writeUInt8(packet.ttl, 7);
  return Buffer.concat([header, bytesOf(packet.source), bytesOf(packet.destination), body]);
};

/** Bytes of the packet with its IP header, as rules count them. */
export const lengthOf = (packet: RawPacket): number => packetBytes(packet).length;
