import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { capturedNode } from '../../test/support/captured-node.ts';
import { nodeWith, savedTables } from '../../test/support/node-with.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import { isIpvsInUse, kubeProxyModeOf, leftoverChains, type KubeProxyMode } from './mode.ts';

const LEFT = { nat: ['-A KUBE-NODE-PORT -p tcp -j RETURN', '-A KUBE-NODEPORTS -p tcp -j RETURN'] };

const rows: readonly (readonly [
  node: string,
  make: () => Ruleset,
  mode: KubeProxyMode | null,
  ipvs: boolean,
  leftovers: readonly string[],
])[] = [
  ['iptables-nft', () => capturedNode('iptables-nft', 'small'), 'iptables', false, []],
  ['iptables-legacy', () => capturedNode('iptables-legacy', 'small'), 'iptables', false, []],
  ['nftables', () => capturedNode('nftables', 'small'), 'nftables', false, []],
  ['ipvs', () => capturedNode('ipvs', 'small'), 'ipvs', true, []],
  ['no kube-proxy', () => nodeWith({}), null, false, []],
  [
    'iptables with what ipvs left',
    () => nodeWith({ 'iptables-save.txt': savedTables(LEFT) }),
    'iptables',
    true,
    ['ipvs KUBE-NODE-PORT'],
  ],
];

describe('the mode of kube-proxy', () => {
  for (const [node, make, mode, ipvs, leftovers] of rows)
    test(`${node}: ${mode ?? 'none'}`, () => {
      const ruleset = make();
      assert.equal(kubeProxyModeOf(ruleset), mode);
      assert.equal(isIpvsInUse(ruleset), ipvs);
      const left = mode === null ? [] : leftoverChains(ruleset, mode);
      assert.deepEqual(
        left.flatMap((one) => one.chains.map(({ name }) => `${one.mode} ${name}`)),
        leftovers,
      );
    });
});
