import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { capturedNode } from '../../../test/support/captured-node.ts';
import { nodeWith, savedTables } from '../../../test/support/node-with.ts';
import { readManifests } from '../../policy/read-manifests.ts';
import type { Service } from '../../policy/model.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import { findExposures } from './find-exposures.ts';

const text = ({ id, family, kind, service, from }: ReturnType<typeof findExposures>[number]): string =>
  `${id} IPv${family} ${kind} ${service ?? '-'} by ${from}`;

/** All that is not a listening socket. */
const found = (ruleset: Ruleset, services: readonly Service[] = []): readonly string[] =>
  findExposures(ruleset, services)
    .filter(({ from }) => from !== 'listening socket')
    .map(text);

const servicesIn = (manifest: string): readonly Service[] => {
  const read = readManifests([{ name: 'services.yaml', text: manifest }]);
  assert.ok(read.ok, JSON.stringify(read));
  return read.value.services;
};

const rows: readonly (readonly [fact: string, node: () => Ruleset, exposures: readonly string[]])[] = [
  [
    'Docker’s published port',
    () =>
      nodeWith({
        'iptables-save.txt': savedTables({
          nat: ['-A DOCKER-X ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80'],
        }),
      }),
    ['8080/tcp IPv4 HostPort - by DNAT rule'],
  ],
  [
    'a redirected port',
    () =>
      nodeWith({
        'iptables-save.txt': savedTables({
          nat: ['-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080'],
        }),
      }),
    ['80/tcp IPv4 HostPort - by DNAT rule'],
  ],
  [
    'a port published by a rule of nftables, in both families of an inet table',
    () =>
      nodeWith({
        'nft-list-ruleset.txt':
          'table inet publish {\n\tchain pre {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\ttcp dport 8443 redirect to :443\n\t}\n}\n',
      }),
    ['8443/tcp IPv4 HostPort - by DNAT rule', '8443/tcp IPv6 HostPort - by DNAT rule'],
  ],
  [
    'an IPVS service on an address of the node; one on kube-ipvs0 is the cluster’s',
    () =>
      nodeWith({
        'ipvsadm-save.txt':
          '-A -t 192.0.2.10:30001 -s rr\n-a -t 192.0.2.10:30001 -r 10.244.1.64:8080 -m -w 1\n-A -t 10.96.0.1:443 -s rr\n-a -t 10.96.0.1:443 -r 192.0.2.9:6443 -m -w 1\n',
      }),
    ['30001/tcp IPv4 NodePort - by IPVS'],
  ],
];

describe('what a node answers on is found', () => {
  for (const [fact, node, exposures] of rows) test(fact, () => assert.deepEqual(found(node()), exposures));

  for (const mode of ['iptables-nft', 'iptables-legacy', 'nftables', 'ipvs'] as const)
    test(`${mode}: a node port whose Service has no endpoints`, () =>
      assert.deepEqual(
        found(capturedNode(mode, 'small')).filter((line) => line.startsWith('30005/')),
        [`30005/tcp IPv4 NodePort ${mode === 'ipvs' ? '-' : 'shop/empty'} by kube-proxy`],
      ));

  test('a Service that is given: its ports are looked at even where no rule knows them', () => {
    const service = (families: string) => `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec:
  type: NodePort
  clusterIPs: ${families}
  ports: [{ name: http, port: 80, nodePort: 30001 }]
`;
    const none = nodeWith({});
    assert.deepEqual(found(none, servicesIn(service('[10.96.0.7]'))), [
      '30001/tcp IPv4 NodePort shop/web:http by Service',
    ]);
    assert.deepEqual(found(none, servicesIn(service("[10.96.0.7, 'fd00::7']"))), [
      '30001/tcp IPv4 NodePort shop/web:http by Service',
      '30001/tcp IPv6 NodePort shop/web:http by Service',
    ]);
  });
});
