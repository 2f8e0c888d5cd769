import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readLegacyTraceLine, readNftTraceLine } from './kernel-trace.ts';

describe("the kernel's own trace of a packet", () => {
  const PACKET =
    'trace id 108bb05f ip kube-proxy nat-prerouting packet: iif "eth0" ether saddr 3a:19:ce:91:36:be ether daddr e2:33:98:44:fd:99 ip saddr 203.0.113.7 ip daddr 192.0.2.10 ip dscp cs0 ip ecn not-ect ip ttl 63 ip id 15129 ip length 60 tcp sport 42082 tcp dport 30001 tcp flags == syn tcp window 64240 ';

  test('a packet line holds the header at the entry of a base chain', () => {
    const { event, header } = readNftTraceLine(PACKET) ?? assert.fail('it is a trace line');
    assert.deepEqual(event, { kind: 'packet' });
    assert.deepEqual(header, {
      in: 'eth0',
      out: '',
      source: '203.0.113.7',
      destination: '192.0.2.10',
      protocol: 'tcp',
      sourcePort: 42082,
      destinationPort: 30001,
      ipId: 15129,
      mark: 0,
    });
  });

  const events: readonly (readonly [string, unknown])[] = [
    [
      'trace id 108bb05f ip kube-proxy services rule ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports # handle 12 (verdict goto external-SFDBSQB2-shop/frontend/tcp/http)',
      {
        kind: 'rule',
        number: null,
        handle: 12,
        text: 'ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports',
        verdict: 'goto external-SFDBSQB2-shop/frontend/tcp/http',
      },
    ],
    [
      'trace id 108bb05f ip kube-proxy services rule meta mark set meta mark | 0x00004000 comment "masquerade" (verdict continue)',
      {
        kind: 'rule',
        number: null,
        handle: null,
        text: 'meta mark set meta mark | 0x00004000 comment "masquerade"',
        verdict: 'continue',
      },
    ],
    [
      'trace id 108bb05f ip kube-proxy filter-forward policy accept meta mark 0x00004000 ',
      { kind: 'policy', verdict: 'accept' },
    ],
    ['trace id 108bb05f ip kube-proxy masquerading return', { kind: 'return', verdict: '' }],
  ];
  for (const [line, expected] of events)
    test(line.slice(0, 90), () => assert.deepEqual(readNftTraceLine(line)?.event, expected));

  test('a line of the TRACE target names table, chain and rule number', () => {
    const read = readLegacyTraceLine(
      '[12.3] TRACE: nat:KUBE-SERVICES:rule:23 IN=eth0 OUT= MAC=e2:33:98:44:fd:99:3a:19:ce:91:36:be:08:00 SRC=203.0.113.7 DST=192.0.2.10 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1635 DF PROTO=TCP SPT=58150 DPT=30001 SEQ=577724864 ACK=0 WINDOW=64240 RES=0x00 SYN URGP=0 MARK=0x4000',
    );
    assert.deepEqual(
      [read?.table, read?.chain, read?.event, read?.header?.mark, read?.header?.destinationPort],
      ['nat', 'KUBE-SERVICES', { kind: 'rule', number: 23, handle: null, text: '', verdict: null }, 0x4000, 30001],
    );
  });

  for (const line of ['', 'trace', 'trace id xyz', 'kernel: something else', 'trace id 1 ip t c rule'])
    test(`${JSON.stringify(line)} is no trace line, or one without details`, () => {
      const read = readNftTraceLine(line);
      assert.ok(read === null || read.event.kind === 'rule');
      assert.equal(readLegacyTraceLine(line), null);
    });
});
