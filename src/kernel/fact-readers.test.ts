import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readDataplanePrograms, readVersion } from './fact-readers.ts';

describe('what programs say about a machine', () => {
  const versions: [text: string, version: number[]][] = [
    ['nftables v1.0.6 (Lester Gooch #5)\n', [1, 0, 6]],
    ['nftables v1.1.3 (Commodore Bullmoose #4)\n', [1, 1, 3]],
    ['6.1.0-28-amd64', [6, 1, 0]],
    ['{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5"}}]}', [1, 0, 6]],
    ['no version', [0]],
  ];
  for (const [text, version] of versions)
    test(`version of ${JSON.stringify(text)}`, () => assert.deepEqual(readVersion(text), version));

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
});
