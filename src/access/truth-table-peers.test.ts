import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { admin, group, node, nodePort, service, type Manifest } from '../../test/support/policies.ts';
import { accessOfManifests, answerOf, remarksOf, type Question } from '../../test/support/questions.ts';
import { addresses } from '../../test/support/small-access.ts';
import { warningsOf } from '../../test/support/told.ts';
import { readManifests } from '../policy/read-manifests.ts';
import type { AccessOptions } from './model.ts';

const WEB = service('shop/web', ['80:30001/tcp']);
const NODES = [
  node('node-1', ['192.0.2.10', '2001:db8:2::10'], ['10.244.1.0/24', '2001:db8:f4:1::/64']),
  node('node-2', ['192.0.2.11'], ['10.244.2.0/24']),
];
const pods = nodePort('shop/web', ['Pods']);
const nodes = nodePort('shop/web', ['Nodes']);
const AWS: Partial<AccessOptions> = { podCidrs: addresses('172.31.0.0/16') };

type Row = readonly [given: readonly Manifest[], from: string, answer: string, options?: Partial<AccessOptions>];

const answers = (rows: readonly Row[]): void => {
  for (const [index, [given, from, expected, options]] of rows.entries())
    test(`${index + 1}. ${from}: ${expected}`, () =>
      assert.equal(answerOf([WEB, ...given], `${from} → 30001/tcp`, options).replace(': shop/web', ''), expected));
};

// prettier-ignore
describe('cluster: Nodes is all addresses of all Nodes; Pods is their podCIDRs and --pod-cidr', () => {
  answers([
    [[...NODES, nodes],                                   '192.0.2.10',            'allow: allow[0]'],
    [[...NODES, nodes],                                   '192.0.2.11',            'allow: allow[0]'],
    [[...NODES, nodes],                                   '192.0.2.12',            'drop: otherwise'],
    [[...NODES, nodes],                                   '2001:db8:2::10',        'allow: allow[0]'],
    [[...NODES, nodes],                                   '10.244.1.7',            'drop: otherwise'],
    [[...NODES, pods],                                    '10.244.1.7',            'allow: allow[0]'],
    [[...NODES, pods],                                    '10.244.2.7',            'allow: allow[0]'],
    [[...NODES, pods],                                    '10.244.3.7',            'drop: otherwise'],
    [[...NODES, pods],                                    '2001:db8:f4:1::7',      'allow: allow[0]'],
    [[...NODES, pods],                                    '192.0.2.10',            'drop: otherwise'],
    [[...NODES, pods],                                    '172.31.4.4',            'drop: otherwise'],
    [[...NODES, pods],                                    '172.31.4.4',            'allow: allow[0]', AWS],
    [[pods],                                              '172.31.4.4',            'allow: allow[0]', AWS],
    [[...NODES, nodePort('shop/web', ['Pods but 10.244.1.0/25'])], '10.244.1.7',   'drop: otherwise'],
    [[...NODES, nodePort('shop/web', ['Pods but 10.244.1.0/25'])], '10.244.1.200', 'allow: allow[0]'],
    // Neither known: an error, also where only the other is known.
    [[nodes],                                             '192.0.2.10',            'nodes-unknown'],
    [[pods],                                              '10.244.1.7',            'pods-unknown'],
    [[node('node-1', ['192.0.2.10']), pods],              '10.244.1.7',            'pods-unknown'],
    [[nodes],                                             '172.31.4.4',            'nodes-unknown', AWS],
  ]);
});

// prettier-ignore
describe('a missing AddressGroup is an error, wherever it is named', () => {
  answers([
    [[nodePort('shop/web', ['office'])],                  '203.0.113.7',           'group-missing'],
    [[nodePort('shop/web', ['office']), group('office', '203.0.113.0/24')], '203.0.113.7', 'allow: allow[0]'],
    [[nodePort('shop/web', ['203.0.113.0/24', 'office'])], '203.0.113.7',          'group-missing'],
    [[admin('ban', 1, ['Deny office'])],                  '203.0.113.7',           'group-missing'],
    [[nodePort('shop/web', ['office'], { mode: 'Audit' })], '203.0.113.7',         'group-missing'],
    // Also of a policy that selects nothing yet: its mistake must not wait for a Service.
    [[nodePort('infra/x', ['office'])],                   '203.0.113.7',           'group-missing'],
    [[nodePort('shop/web', ['office', 'vpn'])],           '203.0.113.7',           'group-missing group-missing'],
    // An empty group is there, and is nobody.
    [[nodePort('shop/web', ['office']), group('office')], '203.0.113.7',           'drop: otherwise'],
  ]);

  test('the error names the groups that are there, and the place', () => {
    const result = accessOfManifests([group('vpn'), nodePort('shop/web', ['office'])]);
    assert.ok(!result.ok);
    const [problem] = result.problems;
    assert.equal(problem?.hint, 'There are: vpn');
    assert.equal(problem?.source?.text.slice(problem.span?.start, problem.span?.end), '"office"');
  });

  test('on a node for which the policy is not meant, nothing is missing', () => {
    const elsewhere = admin('ban', 1, ['Deny office'], { nodeSelector: { matchLabels: { role: 'edge' } } });
    assert.deepEqual(remarksOf(accessOfManifests([WEB, elsewhere], { nodeLabels: { role: 'inner' } })), []);
  });
});

// prettier-ignore
describe('the Service annotation portcullis.dev/allow is one more NodePortPolicy', () => {
  const annotated = (allow: string) => service('shop/web', ['80:30001/tcp'], { annotations: { 'portcullis.dev/allow': allow }, vips: ['192.0.2.200'] });
  const office = group('office', '198.51.100.0/28');
  const rows: readonly (readonly [allow: string, beside: readonly Manifest[], question: Question, answer: string])[] = [
    ['203.0.113.0/24, office', [office],       '203.0.113.7 → 30001/tcp',  'allow: shop/web (annotation): allow[0]'],
    ['203.0.113.0/24, office', [office],       '198.51.100.7 → 30001/tcp', 'allow: shop/web (annotation): allow[1]'],
    ['203.0.113.0/24,office', [office],        '192.0.2.1 → 30001/tcp',    'drop: shop/web (annotation): otherwise'],
    ['2001:db8::/32', [],                        '2001:db8::1 → 30001/tcp',  'allow: shop/web (annotation): allow[0]'],
    // Like any other it selects node ports only, and either of two may allow.
    ['203.0.113.0/24', [],                       '192.0.2.1 → 192.0.2.200:80/tcp', 'open'],
    ['203.0.113.0/24', [nodePort('shop/p', ['10.0.0.0/8'])], '10.0.0.1 → 30001/tcp', 'allow: shop/p: allow[0]'],
    ['203.0.113.0/24', [admin('ban', 1, ['Deny 203.0.113.7/32'])], '203.0.113.7 → 30001/tcp', 'drop: ban: rules[0]'],
    // A bad value refuses everybody, also whom its good part names.
    ['', [],                                     '203.0.113.7 → 30001/tcp',  'drop: shop/web (annotation): otherwise'],
    ['203.0.113.0/24,', [],                      '203.0.113.7 → 30001/tcp',  'drop: shop/web (annotation): otherwise'],
    ['203.0.113.0/24, 10.0.0.1/8', [],           '203.0.113.7 → 30001/tcp',  'drop: shop/web (annotation): otherwise'],
    ['203.0.113.7', [],                          '203.0.113.7 → 30001/tcp',  'drop: shop/web (annotation): otherwise'],
    ['Everyone!', [],                            '203.0.113.7 → 30001/tcp',  'drop: shop/web (annotation): otherwise'],
    ['office', [],                               '203.0.113.7 → 30001/tcp',  'group-missing'],
  ];
  for (const [allow, beside, question, expected] of rows)
    test(`${JSON.stringify(allow)} ${question}: ${expected}`, () => assert.equal(answerOf([annotated(allow), ...beside], question), expected));

  test('a bad value is told, with its place', () => {
    const declared = readManifests([{ name: 'x.json', text: JSON.stringify(annotated('office, 10.0.0.1/8')) }]);
    assert.deepEqual(warningsOf(declared).map(([code, , caret]) => [code, caret]), [['bad-annotation', '"office, 10.0.0.1/8"']]);
  });

  test('an object whose name resembles the annotation is not taken for it', () => {
    const given = [annotated('203.0.113.0/24'), service('shop/api', ['80:30002/tcp']), nodePort('shop/web-annotation', ['10.0.0.0/8'], { services: ['api'] })];
    const asked = ['203.0.113.7 → 30001/tcp', '203.0.113.7 → 30002/tcp', '10.0.0.1 → 30002/tcp'] as const;
    assert.deepEqual(asked.map((question) => answerOf(given, question).split(':')[0]), ['allow', 'drop', 'allow']);
  });
});

// prettier-ignore
describe('what is allowed and probably not meant is said', () => {
  const rows: readonly (readonly [what: string, given: readonly Manifest[], codes: readonly string[]])[] = [
    ['a NodePortPolicy with sources of one family', [nodePort('shop/web', ['203.0.113.0/24'])], ['one-family']],
    ['a NodePortPolicy with sources of the other',  [nodePort('shop/web', ['2001:db8::/32'])], ['one-family']],
    ['a NodePortPolicy that allows nobody',         [nodePort('shop/web', [])], []],
    ['a NodePortPolicy for both',                   [nodePort('shop/web', ['203.0.113.0/24', '2001:db8::/32'])], []],
    ['a cluster policy for one family',             [admin('ban', 1, ['Deny 203.0.113.0/24'])], ['one-family']],
    ['a cluster policy for both',                   [admin('ban', 1, ['Deny 203.0.113.0/24', 'Accept 2001:db8::/32'])], []],
    ['a cluster policy for everyone',               [admin('ban', 1, ['Accept 203.0.113.0/24', 'Deny everyone'])], []],
    ['a cluster policy without rules',              [admin('ban', 1, [])], []],
    ['an allowed source that is a Node',            [...NODES, nodePort('shop/web', ['192.0.2.0/24', '2001:db8::/32'])], ['admits-nodes']],
    ['a policy for nodes, and nothing is known about this one', [admin('p', 1, ['Deny everyone'], { nodeSelector: { matchLabels: { a: 'b' } } })], ['node-labels-unknown']],
    ['the node port of a load balancer that no Node may reach', [...NODES, service('shop/lb', ['80:30009/tcp'], { vips: ['192.0.2.200'] }), nodePort('shop/p', ['203.0.113.0/24', '2001:db8:9::/48'], { services: ['lb'] })], ['load-balancer-closed']],
  ];
  for (const [what, given, codes] of rows)
    test(`${what}: ${codes.join(' ') || 'nothing'}`, () => assert.deepEqual(remarksOf(accessOfManifests([WEB, ...given])), codes));

  test('a range where no Service is known may close a health check', () =>
    assert.deepEqual(remarksOf(accessOfManifests([admin('p', 1, ['Deny everyone'], { subject: { ports: ['30000-32767'] } })])), ['health-checks-unknown']));
});
