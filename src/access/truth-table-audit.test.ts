import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { admin, baseline, nodePort, service, type Manifest } from '../../test/support/policies.ts';
import { accessOfManifests, answer, type Question } from '../../test/support/questions.ts';
import { formatPrefix } from '../net/prefix.ts';
import { addressPrefixes } from '../net/address-set.ts';

const WEB = service('shop/web', ['80:30001/tcp']);
const AUDIT = { mode: 'Audit' };

type Row = readonly [policies: readonly Manifest[], from: string, enforced: string, wouldBe: string];

const web = nodePort('shop/web', ['203.0.113.0/24']);
const webAudit = nodePort('shop/web', ['203.0.113.0/24'], AUDIT);

// prettier-ignore
const ROWS: readonly Row[] = [
  // policies from enforced with the Audit policies An Audit policy alone closes nothing …
  [[webAudit],                                       '203.0.113.7',   'allow: no policy decides',     'allow: shop/web: allow[0]'],
  [[webAudit],                                       '198.51.100.1',  'allow: no policy decides',     'drop: shop/web: otherwise'],
  [[admin('ban', 1, ['Deny 203.0.113.0/24'], AUDIT)], '203.0.113.7',  'allow: no policy decides',     'drop: ban: rules[0]'],
  [[admin('ban', 1, ['Deny 203.0.113.0/24'], AUDIT), web], '203.0.113.7', 'allow: shop/web: allow[0]', 'drop: ban: rules[0]'],
  // … and admits nobody.
  [[web, nodePort('shop/more', ['10.0.0.0/8'], AUDIT)], '10.0.0.1',   'drop: shop/web: otherwise',    'allow: shop/more: allow[0]'],
  [[web, admin('ops', 1, ['Accept 10.0.0.0/8'], AUDIT)], '10.0.0.1',  'drop: shop/web: otherwise',    'allow: ops: rules[0]'],
  // What both say alike is no difference.
  [[web, nodePort('shop/more', ['10.0.0.0/8'], AUDIT)], '203.0.113.7', 'allow: shop/web: allow[0]',   'allow: shop/web: allow[0]'],
  // With it a NodePortPolicy applies, and Baseline is not asked.
  [[webAudit, baseline('base', 1, ['Deny 203.0.113.0/24'])], '203.0.113.7', 'drop: base: rules[0]',   'allow: shop/web: allow[0]'],
  // Its otherwise is mixed in only there.
  [[nodePort('shop/a', [], { otherwise: 'Reject' }), nodePort('shop/b', [], AUDIT)], '203.0.113.7', 'reject: shop/a: otherwise', 'drop: shop/a: otherwise, shop/b: otherwise'],
];

describe('access is computed twice: by the Enforce policies alone, and with the Audit policies', () => {
  for (const [index, [policies, from, enforced, wouldBe]] of ROWS.entries())
    test(`${index + 1}. ${from}: ${enforced}; would be ${wouldBe}`, () => {
      const access = accessOfManifests([WEB, ...policies]);
      assert.ok(access.ok);
      const question: Question = `${from} → 30001/tcp`;
      assert.deepEqual(
        [answer(access.value, question), answer(access.value, question, 'wouldBe')],
        [enforced, wouldBe],
      );
    });
});

describe('the differences are who would be refused and who would be admitted', () => {
  const rows: readonly (readonly [
    what: string,
    policies: readonly Manifest[],
    wouldRefuse: readonly string[],
    wouldAdmit: readonly string[],
  ])[] = [
    ['nothing without Audit policies', [web], [], []],
    [
      'of a new allowance: who would come in besides',
      [web, nodePort('shop/more', ['10.0.0.0/8'], AUDIT)],
      [],
      ['10.0.0.0/8'],
    ],
    [
      'of a new ban: whom it would hit',
      [web, admin('ban', 1, ['Deny 203.0.113.128/25'], AUDIT)],
      ['203.0.113.128/25'],
      [],
    ],
    [
      'of both',
      [web, admin('ban', 1, ['Deny 203.0.113.128/25', 'Accept 203.0.112.0/24'], AUDIT)],
      ['203.0.113.128/25'],
      ['203.0.112.0/24'],
    ],
  ];
  for (const [what, policies, wouldRefuse, wouldAdmit] of rows)
    test(what, () => {
      const access = accessOfManifests([WEB, ...policies]);
      assert.ok(access.ok);
      const [selection] = access.value.selections.values();
      assert.ok(selection !== undefined);
      assert.deepEqual(
        [selection.wouldRefuse, selection.wouldAdmit].map((set) => [...addressPrefixes(set)].map(formatPrefix)),
        [wouldRefuse, wouldAdmit],
      );
    });
});
