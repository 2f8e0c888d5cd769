import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { admin, node, nodePort, service, type Manifest } from '../../test/support/policies.ts';
import { accessOfManifests, answerOf, remarksOf } from '../../test/support/questions.ts';
import type { AccessOptions } from './model.ts';

/** shop/web uses 30001 by tcp and udp, and 30002 by tcp; infra/web uses 30008. */
const SERVICES = [
  service('shop/web', ['https 443:30001/tcp', 'quic 443:30001/udp', 'http 80:30002/tcp']),
  service('infra/web', ['http 80:30008/tcp']),
];

type Ports = readonly (string | number)[];
type Row = readonly [ports: Ports, guarded: string];

/** All places of the tables, in order. */
const PLACES = ['30001/tcp', '30001/udp', '30001/sctp', '30002/tcp', '30002/udp', '30008/tcp', '30009/tcp'];

const tableOf = (
  policy: (ports: Ports) => Manifest,
  rows: readonly Row[],
  options: Partial<AccessOptions> = {},
): void => {
  for (const [ports, guarded] of rows)
    test(`${JSON.stringify(ports)}: ${guarded || 'nothing'}`, () => {
      const manifests = [...SERVICES, policy(ports)];
      const found = PLACES.filter((place) => answerOf(manifests, `198.51.100.1 → ${place}`, options) !== 'open');
      assert.equal(found.join(' '), guarded);
    });
};

// prettier-ignore
describe('ports of a NodePortPolicy of namespace shop', () => {
  tableOf((ports) => nodePort('shop/p', [], { ports }), [
    // ports                        guards
    [['https'],                     '30001/tcp'],
    [['https', 'http'],             '30001/tcp 30002/tcp'],
    [['quic'],                      '30001/udp'],
    [['nothing'],                   ''],
    // A number, or a text of digits, is a node port: in every protocol that the selected Services use there.
    [[30_001],                      '30001/tcp 30001/udp'],
    [['30001'],                     '30001/tcp 30001/udp'],
    [['30001/tcp'],                 '30001/tcp'],
    [['30001/udp'],                 '30001/udp'],
    [['30001/sctp'],                ''],
    [['30001-30002'],               '30001/tcp 30001/udp 30002/tcp'],
    [['30000-32767/udp'],           '30001/udp'],
    [['30000-32767'],               '30001/tcp 30001/udp 30002/tcp'],
    // The Service's own port is no node port, and neither is another namespace's.
    [[443],                         ''],
    [[30_008],                      ''],
    [[30_009],                      ''],
  ]);
});

// prettier-ignore
describe('ports of a NodePortPolicy with --standalone: those without Service too', () => {
  tableOf((ports) => nodePort('shop/p', [], { ports }), [
    [['30009/tcp'],                 '30009/tcp'],
    [['30009/udp'],                 ''],
    [[30_009],                      '30009/tcp'],
    [['30000-32767'],               '30001/tcp 30001/udp 30002/tcp 30009/tcp'],
    [['30002/udp'],                 '30002/udp'],
    [['https'],                     '30001/tcp'],
    // A Service of another namespace stays somebody else's.
    [[30_008],                      ''],
  ], { standalone: true });
});

// prettier-ignore
describe('a port without Service is guarded in tcp, udp and sctp', () => {
  const asked = ['30009/tcp', '30009/udp', '30009/sctp'];
  const guarded = (policy: Manifest, options: Partial<AccessOptions>) => asked.map((place) => answerOf([...SERVICES, policy], `198.51.100.1 → ${place}`, options) !== 'open');
  test('by a cluster policy', () => assert.deepEqual(guarded(admin('p', 1, ['Deny everyone'], { subject: { ports: [30_009] } }), {}), [true, true, true]));
  test('by a NodePortPolicy with --standalone', () => assert.deepEqual(guarded(nodePort('shop/p', [], { ports: [30_009] }), { standalone: true }), [true, true, true]));
  test('not by a NodePortPolicy otherwise', () => assert.deepEqual(guarded(nodePort('shop/p', [], { ports: [30_009] }), {}), [false, false, false]));
});

// prettier-ignore
describe('subject.ports of a cluster policy: every Service, and ports that no Service uses yet', () => {
  tableOf((ports) => admin('p', 1, ['Deny everyone'], { subject: { ports } }), [
    [[30_001],                      '30001/tcp 30001/udp 30001/sctp'],
    [['30001/tcp'],                 '30001/tcp'],
    [['30008'],                     '30008/tcp'],
    [['30000-32767'],               PLACES.join(' ')],
    [['30002-30008/tcp'],           '30002/tcp 30008/tcp'],
    [['30001/tcp', '30001/sctp'],   '30001/tcp 30001/sctp'],
    [['30009-30010'],               '30009/tcp'],
    // Names belong to Services.
    [['https'],                     ''],
  ]);
});

test('whether Service manifests are given changes nothing about ports without Service', () => {
  const policy = admin('p', 1, ['Deny everyone'], { subject: { ports: ['30000-32767'] } });
  const question = '198.51.100.1 → 30009/tcp';
  assert.equal(answerOf([policy], question), answerOf([...SERVICES, policy], question));
});

// prettier-ignore
describe('overlapping ports of two policies', () => {
  const a = admin('a', 1, ['Deny 10.0.0.0/8'], { subject: { ports: ['30000-30099'] } });
  const b = admin('b', 2, ['Deny 172.16.0.0/12'], { subject: { ports: ['30050-30149'] } });
  const rows: readonly (readonly [from: string, port: number, answer: string])[] = [
    ['10.0.0.1',   29_999, 'open'],
    ['10.0.0.1',   30_000, 'drop: a: rules[0]'],
    ['172.16.0.1', 30_049, 'allow: no policy decides'],
    ['172.16.0.1', 30_050, 'drop: b: rules[0]'],
    ['10.0.0.1',   30_099, 'drop: a: rules[0]'],
    ['10.0.0.1',   30_100, 'allow: no policy decides'],
    ['172.16.0.1', 30_149, 'drop: b: rules[0]'],
    ['172.16.0.1', 30_150, 'open'],
  ];
  for (const [from, port, expected] of rows)
    test(`${from} → ${port}: ${expected}`, () => assert.equal(answerOf([a, b], `${from} → ${port}/udp`), expected));
});

// prettier-ignore
describe('what is said about ports that select nothing', () => {
  const rows: readonly (readonly [what: string, policy: Manifest, codes: readonly string[]])[] = [
    ['a name that no selected Service has',   nodePort('shop/p', ['everyone'], { ports: ['nothing'] }), ['port-selects-nothing']],
    ['a name of which only one is wrong',     nodePort('shop/p', ['everyone'], { ports: ['https', 'nothing'] }), ['port-selects-nothing']],
    ['a number that no selected Service has', nodePort('shop/p', ['everyone'], { ports: [30_009] }), ['port-selects-nothing']],
    ['a name in a cluster policy',            admin('p', 1, ['Deny everyone'], { subject: { ports: ['https'] } }), ['port-name-without-service']],
    ['a policy for no Service',               nodePort('shop/p', ['everyone'], { services: ['db'] }), ['selects-nothing']],
    ['all is well',                           nodePort('shop/p', ['everyone'], { ports: ['https', 30_002] }), []],
  ];
  for (const [what, policy, codes] of rows)
    test(`${what}: ${codes.join(' ') || 'nothing'}`, () => assert.deepEqual(remarksOf(accessOfManifests([...SERVICES, policy])), codes));
});

// prettier-ignore
describe('failsafe ports', () => {
  const ports = (list: Ports, more: object = {}) => admin('p', 1, ['Deny everyone'], { subject: { ports: list }, ...more });
  const services = admin('p', 1, ['Deny everyone']);
  const ssh = service('infra/ssh', ['22:22/tcp'], { vips: ['192.0.2.200'], spec: { externalIPs: ['192.0.2.10'] } });
  const all = { exposures: ['NodePort', 'LoadBalancer', 'ExternalIP'] };
  const kubelet = { ...node('node-1', ['192.0.2.10']), status: { addresses: [], daemonEndpoints: { kubeletEndpoint: { Port: 10_350 } } } };
  const api = service('default/kubernetes', [], { spec: { type: 'ClusterIP', ports: [{ port: 443, protocol: 'TCP', targetPort: 7443 }] } });
  const rows: readonly (readonly [what: string, given: readonly Manifest[], to: string, options: Partial<AccessOptions>, answer: string])[] = [
    ['a range passes over them',                       [ports(['1-65535'])],               '22/tcp',    {}, 'open'],
    ['a range passes over them',                       [ports(['1-65535'])],               '2380/tcp',  {}, 'open'],
    ['a range passes over them',                       [ports(['1-65535'])],               '4789/udp',  {}, 'open'],
    ['a range passes over them',                       [ports(['1-65535'])],               '51821/udp', {}, 'open'],
    ['but not over the same number of another protocol', [ports(['1-65535'])],             '22/udp',    {}, 'drop'],
    ['nor over their neighbours',                      [ports(['1-65535'])],               '21/tcp',    {}, 'drop'],
    ['nor over their neighbours',                      [ports(['1-65535'])],               '2378/tcp',  {}, 'drop'],
    ['nor over their neighbours',                      [ports(['1-65535'])],               '2381/tcp',  {}, 'drop'],
    ['a range passes over them in spite of the leave', [ports(['1-65535'])],               '22/tcp',    { allowFailsafe: [22] }, 'open'],
    ['a single number is an error',                    [ports([22])],                      '22/tcp',    {}, 'failsafe-port'],
    ['a single number is an error',                    [ports(['10250/tcp'])],             '22/tcp',    {}, 'failsafe-port'],
    ['a single number of another protocol is none',    [ports(['22/udp'])],                '22/udp',    {}, 'drop'],
    ['a single number with leave is guarded',          [ports([22])],                      '22/tcp',    { allowFailsafe: [22] }, 'drop'],
    ['a single number with leave in the policy',       [ports([22], { allowFailsafePorts: [22] })], '22/tcp', {}, 'drop'],
    ['the leave is for that port alone',               [ports([179], { allowFailsafePorts: [22] })], '179/tcp', {}, 'failsafe-port'],
    ['a NodePortPolicy needs leave too',               [nodePort('shop/p', [], { ports: [22] })], '22/tcp', { standalone: true }, 'failsafe-port'],
    ['the real port of the kubelet is one',            [kubelet, ports(['10000-11000'])],  '10350/tcp', {}, 'open'],
    ['the real port of the API server is one',         [api, ports(['7000-8000'])],        '7443/tcp',  {}, 'open'],
    ['told from outside',                              [ports(['7000-8000'])],             '7443/tcp',  { extraFailsafes: [{ protocol: 'tcp', ports: { first: 7443, last: 7443 } }] }, 'open'],
    // Also where a Service uses them.
    ['a range passes over a Service there',            [ssh, ports(['1-1023'])],           '22/tcp',    {}, 'open'],
    ['a policy for all Services passes over it',       [ssh, services],                    '22/tcp',    {}, 'open'],
    ['a NodePortPolicy passes over it',                [ssh, nodePort('infra/p', [])],     '22/tcp',    {}, 'open'],
    ['a NodePortPolicy passes over it by number too',  [ssh, nodePort('infra/p', [], { ports: [22] })], '22/tcp', {}, 'open'],
    ['unless it has leave',                            [ssh, nodePort('infra/p', [], { ports: [22] })], '22/tcp', { allowFailsafe: [22] }, 'drop'],
    ['unless it has leave, for that protocol',         [ssh, nodePort('infra/p', [], { ports: ['22/udp', '20-30'] })], '22/tcp', { allowFailsafe: [22] }, 'open'],
    ['leave without the number is not enough',         [ssh, nodePort('infra/p', [])],     '22/tcp',    { allowFailsafe: [22] }, 'open'],
    ['a VIP is not the node',                          [ssh, nodePort('infra/p', [], all)], '192.0.2.200:22/tcp', {}, 'drop'],
    ['an external IP that is a Node address is',       [ssh, node('node-1', ['192.0.2.10']), nodePort('infra/p', [], all)], '192.0.2.10:22/tcp', {}, 'open'],
  ];
  for (const [what, given, to, options, expected] of rows)
    test(`${what}: ${to} ${expected}`, () => {
      assert.equal(answerOf(given, `198.51.100.1 → ${to}`, options).split(/[: ]/)[0], expected);
    });

  test('what is passed over is said', () => {
    assert.deepEqual(remarksOf(accessOfManifests([ports(['20-25'])])), ['failsafe-passed-over', 'health-checks-unknown']);
    assert.deepEqual(remarksOf(accessOfManifests([ssh, services])), ['failsafe-passed-over']);
  });
});
