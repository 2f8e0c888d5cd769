import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { admin, baseline, group, nodePort, service, type Manifest } from '../../test/support/policies.ts';
import { answerOf, type Question } from '../../test/support/questions.ts';

const WEB = service('shop/web', ['80:30001/tcp']);
const OFFICE = group('office', '198.51.100.0/28', '2001:db8:1::/48');
const REJECT = { otherwise: 'Reject' };

type Row = readonly [policies: readonly Manifest[], question: Question, answer: string];

const answers = (rows: readonly Row[]): void => {
  for (const [index, [policies, question, expected]] of rows.entries())
    test(`${index + 1}. ${question}: ${expected}`, () =>
      assert.equal(answerOf([WEB, OFFICE, ...policies], question), expected));
};

const web = nodePort('shop/web', ['203.0.113.0/24', 'office']);
const all = nodePort('shop/all', ['everyone']);

// prettier-ignore
describe('a NodePortPolicy allows whom it names and refuses everybody else', () => {
  answers([
    // policies                                          question                        answer
    [[],                                                 '203.0.113.7 → 30001/tcp',      'open'],
    [[web],                                              '203.0.113.7 → 30001/tcp',      'allow: shop/web: allow[0]'],
    [[web],                                              '198.51.100.15 → 30001/tcp',    'allow: shop/web: allow[1]'],
    [[web],                                              '198.51.100.16 → 30001/tcp',    'drop: shop/web: otherwise'],
    [[web],                                              '203.0.112.255 → 30001/tcp',    'drop: shop/web: otherwise'],
    [[web],                                              '203.0.114.0 → 30001/tcp',      'drop: shop/web: otherwise'],
    [[web],                                              '203.0.113.7 → 30001/udp',      'open'],
    [[web],                                              '203.0.113.7 → 30002/tcp',      'open'],
    [[nodePort('shop/web', [])],                         '203.0.113.7 → 30001/tcp',      'drop: shop/web: otherwise'],
    [[nodePort('shop/web', [])],                         '2001:db8::7 → 30001/tcp',      'drop: shop/web: otherwise'],
    [[nodePort('shop/web', ['203.0.113.0/24 but 203.0.113.7/32'])], '203.0.113.7 → 30001/tcp', 'drop: shop/web: otherwise'],
    [[nodePort('shop/web', ['203.0.113.0/24 but 203.0.113.7/32'])], '203.0.113.8 → 30001/tcp', 'allow: shop/web: allow[0]'],
    [[nodePort('shop/web', ['office but 198.51.100.0/30'])], '198.51.100.3 → 30001/tcp', 'drop: shop/web: otherwise'],
    [[nodePort('shop/web', ['everyone but 10.0.0.0/8'])], '10.1.2.3 → 30001/tcp',        'drop: shop/web: otherwise'],
    [[nodePort('shop/web', ['everyone but 10.0.0.0/8'])], '2001:db8::7 → 30001/tcp',     'allow: shop/web: allow[0]'],
    // What one entry takes away another may give.
    [[nodePort('shop/web', ['10.0.0.0/8 but 10.1.0.0/16', '10.1.2.0/24'])], '10.1.2.3 → 30001/tcp', 'allow: shop/web: allow[1]'],
    [[nodePort('other/web', ['203.0.113.0/24'])],        '198.51.100.2 → 30001/tcp',     'open'],
  ]);
});

// prettier-ignore
describe('several NodePortPolicies: any of them may allow; Reject only if all of them say so', () => {
  const vpn = nodePort('shop/vpn', ['10.8.0.0/16']);
  answers([
    [[web, vpn],                                         '10.8.1.1 → 30001/tcp',         'allow: shop/vpn: allow[0]'],
    [[web, vpn],                                         '203.0.113.7 → 30001/tcp',      'allow: shop/web: allow[0]'],
    [[web, vpn],                                         '192.0.2.1 → 30001/tcp',        'drop: shop/vpn: otherwise, shop/web: otherwise'],
    [[nodePort('shop/a', [], REJECT)],                   '192.0.2.1 → 30001/tcp',        'reject: shop/a: otherwise'],
    [[nodePort('shop/a', [], REJECT), nodePort('shop/b', [], REJECT)], '192.0.2.1 → 30001/tcp', 'reject: shop/a: otherwise, shop/b: otherwise'],
    [[nodePort('shop/a', [], REJECT), nodePort('shop/b', [])], '192.0.2.1 → 30001/tcp',  'drop: shop/a: otherwise, shop/b: otherwise'],
    // An Audit policy has no say in it.
    [[nodePort('shop/a', [], REJECT), nodePort('shop/b', [], { mode: 'Audit' })], '192.0.2.1 → 30001/tcp', 'reject: shop/a: otherwise'],
  ]);
});

// prettier-ignore
describe('Admin rules come before every NodePortPolicy', () => {
  const ban = admin('ban', 10, ['Deny 203.0.113.7/32']);
  answers([
    [[ban],                                              '203.0.113.7 → 30001/tcp',      'drop: ban: rules[0]'],
    [[ban],                                              '203.0.113.8 → 30001/tcp',      'allow: no policy decides'],
    [[ban, web],                                         '203.0.113.7 → 30001/tcp',      'drop: ban: rules[0]'],
    [[ban, web],                                         '203.0.113.8 → 30001/tcp',      'allow: shop/web: allow[0]'],
    [[ban, web],                                         '192.0.2.1 → 30001/tcp',        'drop: shop/web: otherwise'],
    [[admin('ban', 10, ['Deny 203.0.113.7/32'], REJECT)], '203.0.113.7 → 30001/tcp',     'reject: ban: rules[0]'],
    // Accept is final.
    [[admin('ops', 10, ['Accept 192.0.2.0/24']), web],   '192.0.2.1 → 30001/tcp',        'allow: ops: rules[0]'],
    [[admin('ops', 10, ['Accept 192.0.2.0/24']), nodePort('shop/web', [])], '192.0.2.1 → 30001/tcp', 'allow: ops: rules[0]'],
    // The first match of a policy decides.
    [[admin('a', 10, ['Accept 192.0.2.0/24', 'Deny everyone'])], '192.0.2.1 → 30001/tcp', 'allow: a: rules[0]'],
    [[admin('a', 10, ['Accept 192.0.2.0/24', 'Deny everyone'])], '192.0.3.1 → 30001/tcp', 'drop: a: rules[1]'],
    [[admin('a', 10, ['Deny everyone', 'Accept 192.0.2.0/24'])], '192.0.2.1 → 30001/tcp', 'drop: a: rules[0]'],
    // No match goes on to the next policy and tier; without rules nothing matches.
    [[admin('a', 10, []), web],                          '192.0.2.1 → 30001/tcp',        'drop: shop/web: otherwise'],
    [[admin('a', 10, [])],                               '192.0.2.1 → 30001/tcp',        'allow: no policy decides'],
  ]);
});

// prettier-ignore
describe('lower priorities are asked first', () => {
  answers([
    [[admin('late', 20, ['Accept 192.0.2.1/32']), admin('early', 10, ['Deny 192.0.2.0/24'])], '192.0.2.1 → 30001/tcp', 'drop: early: rules[0]'],
    [[admin('late', 20, ['Deny 192.0.2.0/24']), admin('early', 10, ['Accept 192.0.2.1/32'])], '192.0.2.1 → 30001/tcp', 'allow: early: rules[0]'],
    [[admin('late', 1000, ['Deny 192.0.2.0/24']), admin('early', 0, ['Accept 192.0.2.1/32'])], '192.0.2.2 → 30001/tcp', 'drop: late: rules[0]'],
  ]);
});

// prettier-ignore
describe('at the same priority Deny wins over Pass, and Pass over Accept', () => {
  const accept = admin('accept', 10, ['Accept 192.0.2.0/24']);
  const deny = admin('deny', 10, ['Deny 192.0.2.0/24']);
  const pass = admin('pass', 10, ['Pass 192.0.2.0/24']);
  answers([
    [[accept, deny],                                     '192.0.2.1 → 30001/tcp',        'drop: deny: rules[0]'],
    [[deny, accept],                                     '192.0.2.1 → 30001/tcp',        'drop: deny: rules[0]'],
    [[pass, deny],                                       '192.0.2.1 → 30001/tcp',        'drop: deny: rules[0]'],
    [[accept, pass, nodePort('shop/web', [])],           '192.0.2.1 → 30001/tcp',        'drop: shop/web: otherwise'],
    [[accept, pass, deny],                               '192.0.2.1 → 30001/tcp',        'drop: deny: rules[0]'],
    // Each policy's own first match is found first: b's Deny never matches.
    [[accept, admin('b', 10, ['Accept 192.0.2.1/32', 'Deny everyone'])], '192.0.2.1 → 30001/tcp', 'allow: accept: rules[0]'],
    [[accept, admin('b', 10, ['Accept 192.0.2.1/32', 'Deny everyone'])], '192.0.2.2 → 30001/tcp', 'drop: b: rules[1]'],
    // Of two that deny, the first by name is responsible, and its way to refuse counts.
    [[admin('b', 10, ['Deny everyone']), admin('a', 10, ['Deny everyone'], REJECT)], '192.0.2.1 → 30001/tcp', 'reject: a: rules[0]'],
    // A tie in one tier has nothing to do with the other tier.
    [[accept, baseline('base', 10, ['Deny 192.0.2.0/24'])], '192.0.2.1 → 30001/tcp',     'allow: accept: rules[0]'],
  ]);
});

// prettier-ignore
describe('Pass leaves the tier', () => {
  const pass = admin('pass', 10, ['Pass 192.0.2.0/24']);
  const denyAll = admin('deny', 20, ['Deny everyone']);
  answers([
    [[pass, denyAll],                                    '192.0.2.1 → 30001/tcp',        'allow: no policy decides'],
    [[pass, denyAll],                                    '192.0.3.1 → 30001/tcp',        'drop: deny: rules[0]'],
    [[pass, denyAll, nodePort('shop/web', ['192.0.2.1/32'])], '192.0.2.1 → 30001/tcp',   'allow: shop/web: allow[0]'],
    [[pass, denyAll, nodePort('shop/web', ['192.0.2.1/32'])], '192.0.2.2 → 30001/tcp',   'drop: shop/web: otherwise'],
    [[pass, denyAll, baseline('base', 10, ['Deny 192.0.2.0/24'], REJECT)], '192.0.2.1 → 30001/tcp', 'reject: base: rules[0]'],
    // In Baseline it leads to the end: allowed.
    [[baseline('a', 10, ['Pass 192.0.2.0/24']), baseline('b', 20, ['Deny everyone'])], '192.0.2.1 → 30001/tcp', 'allow: no policy decides'],
    [[baseline('a', 10, ['Pass 192.0.2.0/24']), baseline('b', 20, ['Deny everyone'])], '192.0.3.1 → 30001/tcp', 'drop: b: rules[0]'],
  ]);
});

// prettier-ignore
describe('Baseline rules decide where no NodePortPolicy applies', () => {
  const closed = baseline('closed', 100, ['Accept 10.0.0.0/8', 'Deny everyone']);
  answers([
    [[closed],                                           '10.1.1.1 → 30001/tcp',         'allow: closed: rules[0]'],
    [[closed],                                           '192.0.2.1 → 30001/tcp',        'drop: closed: rules[1]'],
    [[closed],                                           '2001:db8::1 → 30001/tcp',      'drop: closed: rules[1]'],
    [[closed, all],                                      '192.0.2.1 → 30001/tcp',        'allow: shop/all: allow[0]'],
    [[closed, web],                                      '10.1.1.1 → 30001/tcp',         'drop: shop/web: otherwise'],
    // One that selects other ports does not apply.
    [[closed, nodePort('shop/web', ['everyone'], { ports: [30002] })], '192.0.2.1 → 30001/tcp', 'drop: closed: rules[1]'],
    // An Audit policy is none for what is enforced.
    [[closed, nodePort('shop/web', ['everyone'], { mode: 'Audit' })], '192.0.2.1 → 30001/tcp', 'drop: closed: rules[1]'],
    [[baseline('b', 20, ['Accept everyone']), baseline('a', 10, ['Deny 192.0.2.0/24'])], '192.0.2.1 → 30001/tcp', 'drop: a: rules[0]'],
  ]);
});

// prettier-ignore
describe('families', () => {
  answers([
    [[nodePort('shop/web', ['203.0.113.0/24'])],         '2001:db8::1 → 30001/tcp',      'drop: shop/web: otherwise'],
    [[nodePort('shop/web', ['2001:db8::/32'])],          '203.0.113.7 → 30001/tcp',      'drop: shop/web: otherwise'],
    [[nodePort('shop/web', ['office'])],                 '2001:db8:1::1 → 30001/tcp',    'allow: shop/web: allow[0]'],
    // 0.0.0.0/0 is no IPv6 address; everyone is both families.
    [[nodePort('shop/web', ['0.0.0.0/0'])],              '2001:db8::1 → 30001/tcp',      'drop: shop/web: otherwise'],
    [[all],                                              '2001:db8::1 → 30001/tcp',      'allow: shop/all: allow[0]'],
    // A cluster Deny denies what it names.
    [[admin('ban', 10, ['Deny 0.0.0.0/0'])],             '203.0.113.7 → 30001/tcp',      'drop: ban: rules[0]'],
    [[admin('ban', 10, ['Deny 0.0.0.0/0'])],             '2001:db8::1 → 30001/tcp',      'allow: no policy decides'],
    [[admin('ban', 10, ['Deny everyone'])],              '2001:db8::1 → 30001/tcp',      'drop: ban: rules[0]'],
    [[admin('ban', 10, ['Deny everyone but 10.0.0.0/8'])], '10.0.0.1 → 30001/tcp',       'allow: no policy decides'],
    [[admin('ban', 10, ['Deny everyone but 10.0.0.0/8'])], '2001:db8::1 → 30001/tcp',     'drop: ban: rules[0]'],
  ]);
});
