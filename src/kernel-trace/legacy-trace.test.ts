import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomFrom } from '../../test/support/random.ts';
import { readLegacyTrace, readLegacyTraceLine } from './legacy-trace.ts';
import { readNflog } from './nflog.ts';

/** As tcpdump wrote it for a SYN to a node port, on a little-endian machine. */
const SYN =
  '02000000080001000800000024000a0054524143453a207261773a505245524f5554494e473a706f6c6963793a3120000800040000000003100008000006' +
  '00000adbac914195000006000f000001000006001100000e000012001000cadaef4507a80adbac914195080000001400030000000000' +
  '6b06aac5000000000004691f400009004500003c364840003f061934c6336402c000020abcec75314f4069a000000000a002faf0ec6e' +
  '0000020405b40402080a61a230e6000000000103030a';

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const INTERFACES = new Map([[3, 'eth0']]);

describe('what the TRACE target of legacy iptables tells', () => {
  test('a message names table, chain and number, and holds the packet', () => {
    const logged = readNflog(bytesOf(SYN), true);
    assert.ok(logged !== null);
    assert.deepEqual(readLegacyTrace(logged, INTERFACES), {
      engine: 'iptables-legacy',
      id: null,
      family: 'ip',
      table: 'raw',
      chain: 'PREROUTING',
      event: { kind: 'policy', verdict: null, number: 1 },
      header: {
        in: 'eth0',
        out: '',
        source: '198.51.100.2',
        destination: '192.0.2.10',
        protocol: 'tcp',
        sourcePort: 48364,
        destinationPort: 30001,
        ipId: 13896,
        mark: 0,
      },
    });
  });

  const prefixes: readonly (readonly [string, unknown])[] = [
    ['TRACE: nat:KUBE-SERVICES:rule:23 ', ['nat', 'KUBE-SERVICES', 'rule', 23]],
    ['TRACE: filter:odd:name:return:2 ', ['filter', 'odd:name', 'return', 2]],
    ['TRACE: filter:FORWARD:policy:4', ['filter', 'FORWARD', 'policy', 4]],
    ['nf_ct_tcp: invalid packet ', null],
    ['TRACE: filter:FORWARD:rule:x ', null],
    ['my TRACE: filter:FORWARD:rule:1 ', null],
  ];
  for (const [prefix, expected] of prefixes)
    test(`${JSON.stringify(prefix)} is ${expected === null ? 'something else' : 'read'}`, () => {
      const logged = readNflog(bytesOf(SYN), true);
      assert.ok(logged !== null);
      const read = readLegacyTrace({ ...logged, prefix }, INTERFACES);
      const number = read !== null && read.event.kind !== 'packet' ? read.event.number : null;
      assert.deepEqual(read === null ? null : [read.table, read.chain, read.event.kind, number], expected);
    });

  test('an interface that is gone is called by its number', () => {
    const logged = readNflog(bytesOf(SYN), true);
    assert.ok(logged !== null);
    assert.equal(readLegacyTrace(logged, new Map())?.header?.in, 'interface 3');
  });

  test('a line of the log says the same', () => {
    const read = readLegacyTraceLine(
      '[12.3] TRACE: nat:KUBE-SERVICES:rule:23 IN=eth0 OUT= MAC=e2:33:98:44:fd:99:3a:19:ce:91:36:be:08:00 SRC=203.0.113.7 DST=192.0.2.10 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1635 DF PROTO=TCP SPT=58150 DPT=30001 SEQ=577724864 ACK=0 WINDOW=64240 RES=0x00 SYN URGP=0 MARK=0x4000',
    );
    assert.deepEqual(
      [read?.table, read?.chain, read?.event, read?.header?.mark, read?.header?.destinationPort],
      ['nat', 'KUBE-SERVICES', { kind: 'rule', number: 23, handle: null, text: '', verdict: null }, 0x4000, 30001],
    );
  });

  test('a message that is cut off anywhere is read as far as it goes, or not at all', () => {
    const whole = bytesOf(SYN);
    for (let length = 0; length < whole.length; length++) {
      const read = readNflog(whole.subarray(0, length), true);
      assert.ok(read === null || read.prefix.startsWith('TRACE: raw:'), String(length));
    }
  });

  test('bytes without sense are no message, and do no harm', () => {
    const random = randomFrom(239);
    for (let round = 0; round < 5000; round++) {
      const bytes = bytesOf(SYN);
      for (let count = 0; count <= round % 40; count++) bytes[random.below(bytes.length)] = random.below(256);
      const read = readNflog(bytes, round % 2 === 0);
      if (read !== null) readLegacyTrace(read, INTERFACES);
    }
  });
});
