import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { address } from '../../test/support/address.ts';
import { packetBytes } from '../../test/support/raw-packet.ts';
import { readIpPacket } from './ip-packet.ts';

const packet = (source: string, destination: string, protocol: number): Uint8Array =>
  packetBytes({
    source: address(source),
    destination: address(destination),
    protocol,
    sourcePort: 1234,
    destinationPort: 80,
    tcpFlags: 2,
    id: 4711,
    ttl: 64,
    payload: 4,
  });

/** The same IPv6 packet with extension headers in front of its payload; each is given without its first byte. */
const withHeaders = (bytes: Uint8Array, headers: readonly (readonly [number, readonly number[]])[]): Uint8Array => {
  const payload = bytes[6] ?? 0;
  const types = [...headers.map(([type]) => type), payload];
  const extension = headers.flatMap(([, rest], index) => [types[index + 1] ?? 0, ...rest]);
  const fixed = [...bytes.subarray(0, 40)];
  fixed[6] = types[0] ?? 0;
  return Uint8Array.from([...fixed, ...extension, ...bytes.subarray(40)]);
};

const six = packet('2001:db8::1', 'fd00::2', 17);
const HOP_BY_HOP = [0, [0, 5, 2, 0, 0, 1, 0]] as const;
const AUTHENTICATION = [51, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] as const;
const FIRST_FRAGMENT = [44, [0, 0, 1, 0, 0, 0, 1]] as const;
const LATER_FRAGMENT = [44, [0, 0, 9, 0, 0, 0, 1]] as const;

describe('the headers of an IP packet', () => {
  const cases: readonly (readonly [string, Uint8Array, readonly unknown[]])[] = [
    ['TCP over IPv4', packet('192.0.2.1', '198.51.100.2', 6), [4, '192.0.2.1', '198.51.100.2', 6, 1234, 80, 4711]],
    [
      'ICMP has no ports',
      packet('192.0.2.1', '198.51.100.2', 1),
      [4, '192.0.2.1', '198.51.100.2', 1, null, null, 4711],
    ],
    ['UDP over IPv6', six, [6, '2001:db8::1', 'fd00::2', 17, 1234, 80, null]],
    [
      'behind extension headers',
      withHeaders(six, [HOP_BY_HOP, AUTHENTICATION, FIRST_FRAGMENT]),
      [6, '2001:db8::1', 'fd00::2', 17, 1234, 80, null],
    ],
    [
      'a later fragment has no ports',
      withHeaders(six, [LATER_FRAGMENT]),
      [6, '2001:db8::1', 'fd00::2', 17, null, null, null],
    ],
  ];
  for (const [name, bytes, expected] of cases)
    test(name, () => {
      const read = readIpPacket(bytes);
      assert.ok(read !== null);
      const { family, source, destination, protocol, sourcePort, destinationPort, id } = read;
      assert.deepEqual([family, source, destination, protocol, sourcePort, destinationPort, id], expected);
    });

  test('a later fragment of IPv4 has no ports', () => {
    const bytes = packet('192.0.2.1', '198.51.100.2', 17);
    bytes[7] = 9;
    assert.equal(readIpPacket(bytes)?.sourcePort, null);
  });

  for (const bytes of [packet('192.0.2.1', '198.51.100.2', 6), six, withHeaders(six, [HOP_BY_HOP, AUTHENTICATION])])
    test(`an IPv${(bytes[0] ?? 0) >> 4} packet of ${bytes.length} bytes can be cut off anywhere`, () => {
      for (let length = 0; length < bytes.length; length++) readIpPacket(bytes.subarray(0, length));
      assert.equal(readIpPacket(bytes.subarray(0, 19)), null);
    });

  test('an IPv6 packet has a flow label in place of a number', () =>
    assert.deepEqual([readIpPacket(six)?.flowLabel, readIpPacket(six)?.id], [4711, null]));

  test('another version is no IP packet', () => assert.equal(readIpPacket(Uint8Array.of(0x55, 0, 0)), null));
});
