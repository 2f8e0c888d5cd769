import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  readDataplanePrograms,
  readFlowtables,
  readLinks,
  readNotrackChains,
  rawBaseChains,
  readChains,
  readTables,
  readVersion,
} from './fact-readers.ts';

describe('what programs say about a machine', () => {
  const versions: [text: string, version: number[]][] = [
    ['nftables v1.0.6 (Lester Gooch #5)\n', [1, 0, 6]],
    ['nftables v1.1.3 (Commodore Bullmoose #4)\n', [1, 1, 3]],
    ['6.1.0-28-amd64', [6, 1, 0]],
    ['no version', [0]],
  ];
  for (const [text, version] of versions)
    test(`version of ${JSON.stringify(text)}`, () => assert.deepEqual(readVersion(text), version));

  test('ip -j link: an interface with an XDP program', () => {
    // iproute2 6.1, `ip link set dev eth0 xdpgeneric …`; what is not needed here is left out.
    const json =
      '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK"]},{"ifindex":2,"ifname":"eth0","xdp":{"mode":2,"prog":{"id":42,"tag":"3b185187f1855c4c","jited":1},"attached":[{"mode":2}]}}]';
    assert.deepEqual(readLinks(json), [
      { name: 'lo', xdp: false },
      { name: 'eth0', xdp: true },
    ]);
  });

  const filters: [text: string, found: string[]][] = [
    [
      'filter protocol all pref 1 bpf chain 0 \nfilter protocol all pref 1 bpf chain 0 handle 0x1 cil_from_netdev-eth0 direct-action not_in_hw id 1234 name cil_from_netdev tag a5c5f1d3 jited\n',
      ["Cilium's eBPF dataplane (cil_from_netdev-eth0 on eth0)"],
    ],
    [
      'filter protocol all pref 49152 bpf chain 0 handle 0x1 cali_tc_preamble:[77] direct-action not_in_hw id 77 tag 0b6c jited\n',
      ["Calico's eBPF dataplane (cali_tc_preamble:[77] on eth0)"],
    ],
    ['filter protocol ip pref 10 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 flowid 1:10\n', []],
    ['', []],
  ];
  for (const [text, found] of filters)
    test(`tc filter: ${found[0] ?? `none in ${JSON.stringify(text.slice(0, 30))}`}`, () =>
      assert.deepEqual(readDataplanePrograms(text, 'eth0'), found));

  test('nft -j list flowtables: those with devices', () => {
    const json =
      '{"nftables":[{"metainfo":{"version":"1.0.6"}},{"flowtable":{"family":"inet","name":"ft","table":"filter","handle":2,"hook":"ingress","prio":0,"dev":["eth0","eth1"]}},{"flowtable":{"family":"ip","name":"one","table":"x","dev":"eth2"}},{"flowtable":{"family":"ip","name":"none","table":"x"}}]}';
    assert.deepEqual(readFlowtables(json), ['inet filter ft (eth0, eth1)', 'ip x one (eth2)']);
  });

  test('nft -j list tables: its version and the tables', () => {
    const json =
      '{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}}, {"table": {"family": "ip", "name": "nat", "handle": 1}}]}';
    assert.deepEqual(readTables(json), { version: [1, 0, 6], tables: ['ip nat'] });
    for (const other of ['', 'nftables v0.9.8 (E.D.S.)', '{"nftables": []}']) assert.equal(readTables(other), null);
  });

  test('nft -j list chains: base chains in front of connection tracking', () => {
    const chain = (name: string, more: object) => ({ chain: { family: 'ip', table: 't', name, ...more } });
    const json = JSON.stringify({
      nftables: [
        chain('raw', { hook: 'prerouting', prio: -300 }),
        chain('out', { hook: 'output', prio: -201 }),
        chain('at', { hook: 'prerouting', prio: -200 }),
        chain('in', { hook: 'input', prio: -300 }),
        chain('plain', {}),
      ],
    });
    assert.deepEqual(
      rawBaseChains(readChains(json)).map(({ name }) => name),
      ['raw', 'out'],
    );
  });

  test('iptables-save -t raw: chains that take packets from connection tracking, each once', () => {
    const text =
      '*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -j CT --notrack\n-A PREROUTING -p tcp -j CT --notrack\n-A OUTPUT -j NOTRACK\n-A OUTPUT -p tcp -j CT --helper ftp\nCOMMIT\n';
    assert.deepEqual(readNotrackChains(text, 'iptables-legacy-save'), [
      'iptables-legacy raw PREROUTING',
      'iptables-legacy raw OUTPUT',
    ]);
  });

  test('what is no JSON says nothing', () => {
    assert.deepEqual([readLinks(''), readFlowtables('x'), rawBaseChains(readChains('{}'))], [[], [], []]);
  });
});
