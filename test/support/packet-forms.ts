// What can be done to the bytes of an IP packet (test/support/raw-packet.ts) on its way to be sent.

const isV4 = (packet: Buffer): boolean => packet.readUInt8(0) >> 4 === 4;

/** Fragments but for the last carry a multiple of eight bytes (RFC 791, RFC 8200). */
const FIRST_FRAGMENT = 8;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_HEADER = 44;
const DESTINATION_OPTIONS = 60;

/** The packet in two fragments, in order: the first has the ports of TCP and UDP, and not even all of a TCP header. */
export const inFragments = (packet: Buffer): readonly [Buffer, Buffer] => {
  const id = packet.readUInt32BE(isV4(packet) ? 4 : 0) & 0xffff;
  return isV4(packet) ? fragments4(packet) : fragments6(packet, id + 1);
};

const fragments4 = (packet: Buffer): readonly [Buffer, Buffer] => {
  const header = packet.subarray(0, (packet.readUInt8(0) & 0xf) * 4);
  const data = packet.subarray(header.length);
  const part = (from: number, to: number, flags: number): Buffer => {
    const whole = Buffer.concat([header, data.subarray(from, to)]);
    whole.writeUInt16BE(whole.length, 2);
    whole.writeUInt16BE(flags | (from / 8), 6);
    return whole;
  };
  return [part(0, FIRST_FRAGMENT, MORE_FRAGMENTS), part(FIRST_FRAGMENT, data.length, 0)];
};

const fragments6 = (packet: Buffer, id: number): readonly [Buffer, Buffer] => {
  const data = packet.subarray(40);
  const part = (from: number, to: number, more: 0 | 1): Buffer => {
    const header = Buffer.from(packet.subarray(0, 40));
    header.writeUInt16BE(8 + to - from, 4);
    header.writeUInt8(FRAGMENT_HEADER, 6);
    const fragment = Buffer.alloc(8);
    fragment.writeUInt8(packet.readUInt8(6), 0);
    fragment.writeUInt16BE(from | more, 2);
    fragment.writeUInt32BE(id, 4);
    return Buffer.concat([header, fragment, data.subarray(from, to)]);
  };
  return [part(0, FIRST_FRAGMENT, 1), part(FIRST_FRAGMENT, data.length, 0)];
};

/** With options that mean nothing: the ports stand further back than usual. */
export const withOptions = (packet: Buffer): Buffer => {
  if (isV4(packet)) {
    const header = Buffer.from(packet.subarray(0, 20));
    header.writeUInt8(0x46, 0);
    const whole = Buffer.concat([header, Buffer.from([1, 1, 1, 0]), packet.subarray(20)]);
    whole.writeUInt16BE(whole.length, 2);
    return whole;
  }
  const header = Buffer.from(packet.subarray(0, 40));
  header.writeUInt16BE(packet.length - 40 + 8, 4);
  header.writeUInt8(DESTINATION_OPTIONS, 6);
  // PadN over the whole header (RFC 8200, 4.2).
  const options = Buffer.from([packet.readUInt8(6), 0, 1, 4, 0, 0, 0, 0]);
  return Buffer.concat([header, options, packet.subarray(40)]);
};

/** With a last byte that the checksum does not fit to: conntrack calls such a packet invalid. */
export const damaged = (packet: Buffer): Buffer => {
  const copy = Buffer.from(packet);
  copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 0xff, copy.length - 1);
  return copy;
};
