import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ruleVerdict } from '../lower/rule-verdict.ts';
import { readDumps } from './read-dumps.ts';

const verdictsIn = (text: string): readonly string[] => {
  const read = readDumps([{ name: 'dump', text }]);
  assert.ok(read.ok);
  const [table] = read.value.ruleset.tables;
  return [...(table?.chains.get('c')?.rules ?? [])].map(ruleVerdict);
};

describe('a reference to a rule says what the rule does', () => {
  const iptables: readonly (readonly [target: string, verdict: string])[] = [
    ['-j ACCEPT', 'accept'],
    ['-p tcp -j DROP', 'drop'],
    ['-p tcp -j REJECT --reject-with tcp-reset', 'reject'],
    ['-j RETURN', 'return'],
    ['-j other', 'jump other'],
    ['-g other', 'goto other'],
    ['-p tcp -j DNAT --to-destination 10.0.0.1:80', 'dnat'],
    ['-p tcp -j REDIRECT --to-ports 80', 'redirect'],
    ['-j MASQUERADE', 'masquerade'],
    ['-j MARK --set-xmark 0x4000/0x4000', 'continue'],
    ['-m statistic --mode random --probability 0.50000000000 -j other', 'jump other'],
    ['-s 192.0.2.1/32', 'continue'],
  ];
  for (const [target, verdict] of iptables)
    test(`iptables: ${target}: ${verdict}`, () =>
      assert.deepEqual(verdictsIn(`*nat\n:c - [0:0]\n:other - [0:0]\n-A c ${target}\nCOMMIT\n`), [verdict]));
  const nft: readonly (readonly [rule: string, verdict: string])[] = [
    ['tcp dport 30001 drop', 'drop'],
    ['counter packets 0 bytes 0 jump other', 'jump other'],
    ['meta l4proto tcp dnat ip to 10.0.0.1:80', 'dnat'],
    ['tcp dport vmap { 80 : accept, 81 : drop }', 'vmap'],
    ['meta mark set 0x1', 'continue'],
  ];
  for (const [rule, verdict] of nft)
    test(`nft: ${rule}: ${verdict}`, () =>
      assert.deepEqual(verdictsIn(`table ip t {\n\tchain other {\n\t}\n\tchain c {\n\t\t${rule}\n\t}\n}\n`), [
        verdict,
      ]));
});
