import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readNftTraceLine } from './nft-trace.ts';
import { readLegacyTraceLine } from './legacy-trace.ts';

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
    [
      'trace id cd778ce4 inet t s verdict return ',
      { kind: 'rule', number: null, handle: null, text: '', verdict: 'return' },
    ],
    ['trace id cd778ce4 inet t l verdict continue ', { kind: 'return', verdict: 'continue' }],
  ];
  for (const [line, expected] of events)
    test(line.slice(0, 90), () => assert.deepEqual(readNftTraceLine(line)?.event, expected));

  for (const line of ['', 'trace', 'trace id xyz', 'kernel: something else', 'trace id 1 ip t c rule'])
    test(`${JSON.stringify(line)} is no trace line, or one without details`, () => {
      const read = readNftTraceLine(line);
      assert.ok(read === null || read.event.kind === 'rule');
      assert.equal(readLegacyTraceLine(line), null);
    });
});
