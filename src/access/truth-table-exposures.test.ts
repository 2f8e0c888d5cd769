import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { admin, namespace, node, nodePort, service, type Manifest } from '../../test/support/policies.ts';
import { answerOf, type Question } from '../../test/support/questions.ts';
import type { AccessOptions } from './model.ts';

/** A Service with every kind of exposure. */
const WEB = service('shop/web', ['http 80:30001/tcp', 'dns 53:30053/udp'], {
  labels: { app: 'web', stage: 'live' },
  vips: ['192.0.2.200', '2001:db8::200'],
  spec: { externalIPs: ['192.0.2.210'], healthCheckNodePort: 32_000 },
});
const API = service('shop/api', ['http 8080:30002/tcp'], { labels: { app: 'api' } });
const OTHER = service('infra/web', ['http 80:30003/tcp'], { labels: { app: 'web' } });

type Row = readonly [policy: Manifest, to: string, answer: 'open' | 'guarded'];

/** Whether the policy guards what a stranger asks for. */
const guards = (rows: readonly Row[], beside: readonly Manifest[] = [], options: Partial<AccessOptions> = {}): void => {
  for (const [index, [policy, to, expected]] of rows.entries())
    test(`${index + 1}. ${to}: ${expected}`, () => {
      const question: Question = `${to.startsWith('[') ? '2001:db8:9::1' : '198.51.100.1'} → ${to}`;
      const answer = answerOf([WEB, API, OTHER, ...beside, policy], question, options);
      assert.equal(answer === 'open' ? 'open' : answer.startsWith('drop: ') ? 'guarded' : answer, expected);
    });
};

// prettier-ignore
describe('a NodePortPolicy selects Services of its namespace', () => {
  guards([
    // policy                                                     to                  answer
    [nodePort('shop/p', []),                                      '30001/tcp',        'guarded'],
    [nodePort('shop/p', []),                                      '30002/tcp',        'guarded'],
    [nodePort('shop/p', []),                                      '30003/tcp',        'open'],
    [nodePort('shop/p', [], { services: ['web'] }),               '30001/tcp',        'guarded'],
    [nodePort('shop/p', [], { services: ['web'] }),               '30002/tcp',        'open'],
    [nodePort('shop/p', [], { services: ['web'] }),               '30003/tcp',        'open'],
    [nodePort('shop/p', [], { services: ['web', 'api'] }),        '30002/tcp',        'guarded'],
    [nodePort('shop/p', [], { serviceSelector: {} }),             '30002/tcp',        'guarded'],
    [nodePort('shop/p', [], { serviceSelector: { matchLabels: { app: 'web' } } }),   '30001/tcp', 'guarded'],
    [nodePort('shop/p', [], { serviceSelector: { matchLabels: { app: 'web' } } }),   '30002/tcp', 'open'],
    [nodePort('shop/p', [], { serviceSelector: { matchLabels: { app: 'web', stage: 'test' } } }), '30001/tcp', 'open'],
    [nodePort('shop/p', [], { serviceSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['api', 'db'] }] } }), '30002/tcp', 'guarded'],
    [nodePort('shop/p', [], { serviceSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['api'] }] } }),    '30002/tcp', 'open'],
    [nodePort('shop/p', [], { serviceSelector: { matchExpressions: [{ key: 'stage', operator: 'NotIn', values: ['live'] }] } }), '30002/tcp', 'guarded'],
    [nodePort('shop/p', [], { serviceSelector: { matchExpressions: [{ key: 'stage', operator: 'Exists' }] } }),                  '30001/tcp', 'guarded'],
    [nodePort('shop/p', [], { serviceSelector: { matchExpressions: [{ key: 'stage', operator: 'DoesNotExist' }] } }),            '30001/tcp', 'open'],
    [nodePort('shop/p', [], { serviceSelector: { matchExpressions: [{ key: 'stage', operator: 'DoesNotExist' }] } }),            '30002/tcp', 'guarded'],
  ]);
});

// prettier-ignore
describe('exposures: node ports unless others are named; VIPs only by name', () => {
  const vip = { exposures: ['LoadBalancer'] };
  const external = { exposures: ['ExternalIP'] };
  guards([
    [nodePort('shop/p', []),                                      '192.0.2.200:80/tcp',         'open'],
    [nodePort('shop/p', []),                                      '192.0.2.210:80/tcp',         'open'],
    [nodePort('shop/p', [], vip),                                 '192.0.2.200:80/tcp',         'guarded'],
    [nodePort('shop/p', [], vip),                                 '192.0.2.200:53/udp',         'guarded'],
    [nodePort('shop/p', [], vip),                                 '192.0.2.200:53/tcp',         'open'],
    [nodePort('shop/p', [], vip),                                 '[2001:db8::200]:80/tcp',     'guarded'],
    [nodePort('shop/p', [], vip),                                 '192.0.2.210:80/tcp',         'open'],
    [nodePort('shop/p', [], vip),                                 '30001/tcp',                  'open'],
    [nodePort('shop/p', [], external),                            '192.0.2.210:80/tcp',         'guarded'],
    [nodePort('shop/p', [], external),                            '192.0.2.200:80/tcp',         'open'],
    [nodePort('shop/p', [], { exposures: ['NodePort', 'LoadBalancer', 'ExternalIP'] }), '30001/tcp', 'guarded'],
    // A VIP's port is narrowed by the Service port's name, or by its node port.
    [nodePort('shop/p', [], { ...vip, ports: ['http'] }),         '192.0.2.200:80/tcp',         'guarded'],
    [nodePort('shop/p', [], { ...vip, ports: ['http'] }),         '192.0.2.200:53/udp',         'open'],
    [nodePort('shop/p', [], { ...vip, ports: [30_001] }),         '192.0.2.200:80/tcp',         'guarded'],
    [nodePort('shop/p', [], { ...vip, ports: [80] }),             '192.0.2.200:80/tcp',         'open'],
    // The same for a cluster policy about Services; one about ports means the node's own addresses.
    [admin('p', 1, ['Deny everyone']),                            '30001/tcp',                  'guarded'],
    [admin('p', 1, ['Deny everyone']),                            '192.0.2.200:80/tcp',         'open'],
    [admin('p', 1, ['Deny everyone'], vip),                       '192.0.2.200:80/tcp',         'guarded'],
    [admin('p', 1, ['Deny everyone'], { subject: { ports: ['1-65535'] } }), '192.0.2.200:80/tcp', 'open'],
    [admin('p', 1, ['Deny everyone'], { subject: { ports: ['1-65535'] } }), '192.0.2.210:80/tcp', 'open'],
  ]);
});

// prettier-ignore
describe('a health check port stays open unless a cluster policy names it as a single number', () => {
  const ports = (...list: readonly (string | number)[]) => admin('p', 1, ['Deny everyone'], { subject: { ports: list } });
  guards([
    [nodePort('shop/p', []),                                      '32000/tcp',        'open'],
    [nodePort('shop/p', [], { ports: [32_000] }),                 '32000/tcp',        'open'],
    [admin('p', 1, ['Deny everyone']),                            '32000/tcp',        'open'],
    [ports('30000-32767'),                                        '32000/tcp',        'open'],
    [ports('30000-32767'),                                        '31999/tcp',        'guarded'],
    [ports('30000-32767'),                                        '32001/tcp',        'guarded'],
    [ports('30000-32767'),                                        '32000/udp',        'guarded'],
    [ports('32000-32000'),                                        '32000/tcp',        'guarded'],
    [ports(32_000),                                               '32000/tcp',        'guarded'],
    [ports('32000/tcp'),                                          '32000/tcp',        'guarded'],
    [ports('32000/udp'),                                          '32000/tcp',        'open'],
    [ports('30000-32767', 32_000),                                '32000/tcp',        'guarded'],
  ]);
});

// prettier-ignore
describe('a cluster policy about Services selects them by namespace and by label', () => {
  const about = (services: object) => admin('p', 1, ['Deny everyone'], { subject: { services } });
  const infra = { matchLabels: { team: 'infra' } };
  guards([
    [about({}),                                                   '30001/tcp',        'guarded'],
    [about({}),                                                   '30003/tcp',        'guarded'],
    [about({}),                                                   '30009/tcp',        'open'],
    [about({ namespaceSelector: infra }),                         '30003/tcp',        'guarded'],
    [about({ namespaceSelector: infra }),                         '30001/tcp',        'open'],
    [about({ serviceSelector: { matchLabels: { app: 'web' } } }), '30003/tcp',        'guarded'],
    [about({ serviceSelector: { matchLabels: { app: 'web' } } }), '30002/tcp',        'open'],
    [about({ namespaceSelector: infra, serviceSelector: { matchLabels: { app: 'api' } } }), '30003/tcp', 'open'],
    // Every namespace has its name as a label.
    [about({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } }), '30001/tcp', 'guarded'],
    [about({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } }), '30003/tcp', 'open'],
  ], [namespace('infra', { team: 'infra' })]);
});

// prettier-ignore
describe('outside its nodeSelector a cluster policy does not exist', () => {
  const edge = admin('p', 1, ['Deny everyone'], { nodeSelector: { matchLabels: { role: 'edge' } } });
  const nodes = [node('node-1', ['192.0.2.10'], [], { role: 'edge' }), node('node-2', ['192.0.2.11'], [], { role: 'inner' })];
  describe('on the node that it means', () => guards([[edge, '30001/tcp', 'guarded']], nodes, { nodeName: 'node-1' }));
  describe('on another node', () => guards([[edge, '30001/tcp', 'open']], nodes, { nodeName: 'node-2' }));
  describe('on a node without object', () => guards([[edge, '30001/tcp', 'open']], nodes, { nodeName: 'node-3' }));
  describe('on a node whose labels are told', () => guards([[edge, '30001/tcp', 'guarded']], nodes, { nodeLabels: { role: 'edge' } }));
  describe('an empty selector means every node', () =>
    guards([[admin('p', 1, ['Deny everyone'], { nodeSelector: {} }), '30001/tcp', 'guarded']], nodes, { nodeName: 'node-3' }));
});

// prettier-ignore
describe('only what a node answers on is an exposure', () => {
  const asks = (rows: readonly (readonly [what: string, service: Manifest, to: string, answer: string])[]) => {
    for (const [what, given, to, expected] of rows)
      test(`${what}: ${to} is ${expected}`, () =>
        assert.equal(answerOf([given, nodePort('shop/p', [], { exposures: ['NodePort', 'LoadBalancer', 'ExternalIP'] })], `198.51.100.1 → ${to}`).replace(/:.*/, ''), expected));
  };
  asks([
    ['a ClusterIP Service with an external IP', service('shop/web', ['80/tcp'], { spec: { type: 'ClusterIP', externalIPs: ['192.0.2.210'] } }), '192.0.2.210:80/tcp', 'drop'],
    ['an ExternalName Service', service('shop/web', ['80:30001/tcp'], { spec: { type: 'ExternalName' } }), '30001/tcp', 'open'],
    ['a load balancer without node ports', service('shop/web', ['80/tcp'], { vips: ['192.0.2.200'] }), '192.0.2.200:80/tcp', 'drop'],
    ['an SCTP port', service('shop/web', ['80:30001/sctp']), '30001/sctp', 'drop'],
    ['no type, but a node port', service('shop/web', ['80:30001/tcp'], { spec: { type: undefined } }), '30001/tcp', 'drop'],
  ]);
});

test('where two Services share a place, the policies of both apply', () => {
  const twins = [
    service('shop/web', ['80:30001/tcp'], { spec: { externalIPs: ['192.0.2.210'] } }),
    service('infra/web', ['80:30002/tcp'], { spec: { externalIPs: ['192.0.2.210'] } }),
  ];
  const policies = [
    nodePort('shop/p', ['10.0.0.0/8'], { exposures: ['ExternalIP'] }),
    nodePort('infra/p', ['172.16.0.0/12'], { exposures: ['ExternalIP'] }),
  ];
  const ask = (from: string) => answerOf([...twins, ...policies], `${from} → 192.0.2.210:80/tcp`);
  assert.deepEqual(
    [ask('10.0.0.1'), ask('172.16.0.1'), ask('192.0.2.1')],
    ['allow: shop/p: allow[0]', 'allow: infra/p: allow[0]', 'drop: infra/p: otherwise, shop/p: otherwise'],
  );
});
