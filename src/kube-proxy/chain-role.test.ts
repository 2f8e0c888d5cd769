import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { capturedNode, CAPTURED_MODES } from '../../test/support/captured-node.ts';
import { appliesSourceRanges, chainRole, isKubeProxyTable, isWrittenByKubernetes } from './chain-role.ts';
import { CHAIN } from './well-known.ts';

const IPTABLES = (name: string) => ({ engine: 'iptables-nft', name }) as const;
const NFT = { engine: 'nft', name: 'kube-proxy' } as const;
const OTHER = { engine: 'nft', name: 'mine' } as const;

describe('what a chain of kube-proxy is for', () => {
  const rows = [
    [IPTABLES('nat'), 'KUBE-SERVICES', 'find-service'],
    [IPTABLES('filter'), 'KUBE-SERVICES', 'refuse-without-endpoints'],
    [IPTABLES('nat'), 'KUBE-SVC-PY4JZH2ITZYEO4CN', 'choose-endpoint'],
    [IPTABLES('nat'), 'KUBE-SEP-3GZREHSJ2ZH62AXN', 'endpoint'],
    [IPTABLES('nat'), 'KUBE-MINE', null],
    [IPTABLES('nat'), 'services', null],
    [NFT, 'services', 'find-service-or-node-port'],
    [NFT, 'service-endpoints-check', 'check-service-endpoints'],
    [NFT, 'service-SFDBSQB2-shop/frontend/tcp/http', 'choose-endpoint'],
    [NFT, 'firewall-check', 'look-for-source-ranges'],
    [NFT, 'firewall-SFDBSQB2-shop/frontend/tcp/http', 'source-ranges'],
    [OTHER, 'services', null],
    [OTHER, 'KUBE-SERVICES', null],
  ] as const;
  for (const [table, chain, role] of rows)
    test(`${table.name} ${chain}: ${role ?? 'unknown'}`, () =>
      assert.equal(chainRole(table, chain)?.role ?? null, role));

  for (const mode of CAPTURED_MODES)
    test(`${mode}: every chain that kube-proxy and the kubelet made on a captured node is known`, () => {
      const unknown = capturedNode(mode, 'small').tables.flatMap((table) =>
        [...table.chains.keys()].filter(
          (chain) =>
            isWrittenByKubernetes(table, chain) &&
            // nft shows iptables' tables once more.
            (table.engine !== 'nft' || isKubeProxyTable(table)) &&
            chainRole(table, chain) === null,
        ),
      );
      assert.deepEqual(unknown, []);
    });

  test('source ranges are applied by chains of all modes, and by no other chains', () => {
    const applies = ['KUBE-PROXY-FIREWALL', 'KUBE-FW-PY4JZH2ITZYEO4CN', 'KUBE-IPVS-OUT-FILTER', 'firewall-check'];
    const others = [CHAIN.firewall, CHAIN.services, 'KUBE-SVC-PY4JZH2ITZYEO4CN', 'services', 'filter-input'];
    assert.deepEqual([...applies, ...others].filter(appliesSourceRanges), applies);
  });
});
