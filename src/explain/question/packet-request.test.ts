import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { problemsOf } from '../../../test/support/told.ts';
import { formatAddress } from '../../net/address.ts';
import { checkFamilies, readDestination, readSender } from './packet-request.ts';

const TO_HINT = 'Write ADDRESS:PORT or ADDRESS:PORT/PROTOCOL: 192.0.2.10:30001, [2001:db8::1]:30001/udp';

describe('a sender', () => {
  const good: readonly (readonly [text: string, kind: string, address: string | null])[] = [
    ['203.0.113.20', 'address', '203.0.113.20'],
    ['2001:db8::1', 'address', '2001:db8::1'],
    ['node', 'node', null],
    ['node:192.0.2.10', 'node', '192.0.2.10'],
    ['pod:10.244.1.7', 'pod', '10.244.1.7'],
    ['pod:fd00::7', 'pod', 'fd00::7'],
  ];
  for (const [text, kind, address] of good)
    test(text, () => {
      const read = readSender(text);
      assert.ok(read.ok);
      assert.equal(read.value.kind, kind);
      assert.equal(read.value.address === null ? null : formatAddress(read.value.address), address);
    });

  const bad: readonly (readonly [text: string, place: string])[] = [
    ['203.0.113', '1:1'],
    ['', '1:1'],
    ['nodes', '1:1'],
    ['pod:', '1:5'],
    ['pod:10.244.1.256', '1:5'],
    ['203.0.113.0/24', '1:1'],
  ];
  for (const [text, place] of bad)
    test(`${JSON.stringify(text)} is none`, () => {
      const [problem] = problemsOf(readSender(text));
      assert.equal(problem?.[1]?.split(':')[0], '1');
      assert.ok(Number(problem?.[1].split(':')[1]) >= Number(place.split(':')[1]));
      assert.notEqual(problem?.[3], '');
    });
});

describe('a destination', () => {
  const good: readonly (readonly [text: string, address: string, port: number, protocol: string])[] = [
    ['192.0.2.10:30001', '192.0.2.10', 30_001, 'tcp'],
    ['192.0.2.10:53/udp', '192.0.2.10', 53, 'udp'],
    ['192.0.2.10:1/sctp', '192.0.2.10', 1, 'sctp'],
    ['[2001:db8::1]:65535', '2001:db8::1', 65_535, 'tcp'],
    ['[fd00::1]:80/udp', 'fd00::1', 80, 'udp'],
  ];
  for (const [text, address, port, protocol] of good)
    test(text, () => {
      const read = readDestination(text);
      assert.ok(read.ok);
      assert.deepEqual([formatAddress(read.value.to), read.value.port, read.value.protocol], [address, port, protocol]);
    });

  const bad: readonly (readonly [text: string, code: string, place: string, caret: string])[] = [
    ['192.0.2.10', 'destination-syntax', '1:1', '192.0.2.10'],
    ['2001:db8::1:80', 'destination-syntax', '1:1', '2001:db8::1:80'],
    ['192.0.2.10:', 'port-syntax', '1:12', ''],
    ['192.0.2.10:0', 'port-syntax', '1:12', '0'],
    ['192.0.2.10:65536/tcp', 'port-syntax', '1:12', '65536'],
    ['192.0.2.10:http', 'port-syntax', '1:12', 'http'],
    ['[fd00::1]:80000', 'port-syntax', '1:11', '80000'],
    ['192.0.2.10:80/icmp', 'protocol-unknown', '1:15', 'icmp'],
    ['192.0.2.10:80/', 'protocol-unknown', '1:15', ''],
  ];
  for (const [text, code, place, caret] of bad)
    test(`${text}: ${code} at ${place}`, () => {
      const [[found, at, above, hint] = []] = problemsOf(readDestination(text));
      assert.deepEqual([found, at, above], [code, place, caret]);
      assert.notEqual(hint, '');
    });

  test('a bad address is told where it stands', () => {
    const [[, at] = []] = problemsOf(readDestination('[fd00::g]:80'));
    assert.match(at ?? '', /^1:[2-9]/);
    assert.deepEqual(problemsOf(readDestination('192.0.2.300:80')).length, 1);
    assert.equal(TO_HINT, problemsOf(readDestination('x'))[0]?.[3]);
  });
});

test('both ends are of one family', () => {
  const from = readSender('203.0.113.1');
  const to = readDestination('[fd00::1]:80');
  assert.ok(from.ok && to.ok);
  const request = { from: from.value, ...to.value, in: null, state: 'new', sourcePort: null } as const;
  assert.deepEqual(problemsOf(checkFamilies(request))[0]?.[0], 'families-differ');
});
