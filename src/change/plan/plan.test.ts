import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { good } from '../../../test/support/good.ts';
import type { ClientFlow } from '../../access/flow.ts';
import { EMPTY_STATE, type StoredState } from '../../access/state.ts';
import { error, fail, ok } from '../../diagnostic/diagnostic.ts';
import { formatAddress, parseAddress } from '../../net/address.ts';
import { parsePorts } from '../../net/port.ts';
import { parsePrefix } from '../../net/prefix.ts';
import type { Facts } from './facts.ts';
import { planFor, type Care, type Planned, type Situation } from './plan.ts';
import type { Wish } from './wish.ts';

const FACTS: Facts = {
  mayAdministrate: true,
  nftVersion: [1, 0, 6],
  nfTablesProblem: null,
  kubeProxy: null,
  kernel: [6, 1],
  bypasses: [],
  flowtables: [],
  localPorts: { first: 32_768, last: 60_999 },
  notrack: [],
  conntrackTool: true,
  bothIptables: false,
};

const address = (text: string) => good(parseAddress(text));

const flow = (source: string, destinationPort: number): ClientFlow => ({
  protocol: 'tcp',
  source: address(source),
  destination: address('192.0.2.10'),
  sourcePort: 50_000,
  destinationPort,
});

const restrict = (port: string, ...from: readonly string[]): Wish => ({
  kind: 'restrict',
  restriction: {
    spec: good(parsePorts(port)),
    from: from.map((text) => good(parsePrefix(text))),
    otherwise: 'Drop',
    allowFailsafe: port === '22' ? [22] : [],
  },
  add: false,
});

const stateOf = (wish: Wish): StoredState => {
  const planned = planFor(HERE, wish, CARE);
  assert.ok(planned.kind === 'plan');
  return planned.plan.state;
};

const HERE: Situation = {
  facts: FACTS,
  stored: ok(EMPTY_STATE),
  pending: null,
  now: 1_000_000,
  flows: [],
  isLocal: ({ family, value }) => family === 4 && value === address('192.0.2.10').value,
  administrator: { session: [], host: null },
};
const CARE: Care = { rehearsal: false, ignoreDataplane: false, mayCutOwnSession: false, confirmWithin: null };

const DAMAGED = fail(error('state-damaged', 'state.json is damaged'));
const NEWER = fail(error('state-newer', 'state.json was written by a newer portcullis'));
const declare = (text: string): Wish => ({
  kind: 'declare',
  sources: [{ name: 'x.yaml', text }],
  options: { hostName: 'node-1' },
});
const POLICY = `apiVersion: portcullis.dev/v1alpha1
kind: ClusterNodePortPolicy
metadata: { name: p }
spec: { tier: Admin, priority: 1, subject: { ports: ["30001"] }, rules: [{ action: Deny, from: [{ everyone: true }] }] }`;

const ssh = { session: [flow('203.0.113.9', 22)], host: address('203.0.113.9') };
const waiting = { deadline: 1_030_000, previous: EMPTY_STATE };
const overdue = { ...waiting, deadline: 999_999 };

/** `refused machine CODES` or `plan CODES of warnings`. */
const said = (planned: Planned): string =>
  planned.kind === 'plan'
    ? ['plan', ...planned.plan.warnings.map(({ severity, code }) => (severity === 'warning' ? code : 'ERROR'))].join(
        ' ',
      )
    : `refused ${planned.because} ${planned.problems
        .filter(({ severity }) => severity === 'error')
        .map(({ code }) => code)
        .join(' ')}`;

const one = restrict('30001', '192.0.2.0/24');

describe('the plan of a change', () => {
  const cases: [what: string, wish: Wish, situation: Partial<Situation>, care: Partial<Care>, answer: string][] = [
    ['nothing speaks against it', one, {}, {}, 'plan'],
    ['no rights', one, { facts: { ...FACTS, mayAdministrate: false } }, {}, 'refused machine not-root'],
    [
      'no rights, in a rehearsal',
      one,
      { facts: { ...FACTS, mayAdministrate: false } },
      { rehearsal: true },
      'plan not-root',
    ],
    ['a damaged state', one, { stored: DAMAGED }, {}, 'refused machine state-damaged'],
    ['a damaged state that is declared anew', declare(POLICY), { stored: DAMAGED }, {}, 'plan state-damaged'],
    ['the state of a newer version', declare(POLICY), { stored: NEWER }, {}, 'refused machine state-newer'],
    ['the state of a newer version, removed', { kind: 'remove' }, { stored: NEWER }, {}, 'plan state-newer'],
    ['an earlier change waits', one, { pending: waiting }, {}, 'refused request pending'],
    ['an earlier change waits, in a rehearsal', one, { pending: waiting }, { rehearsal: true }, 'plan'],
    ['an earlier change was not confirmed in time', one, { pending: overdue, stored: DAMAGED }, {}, 'plan'],
    ['a declaration of nothing', declare('kind: List\nitems: []'), {}, {}, 'refused request no-objects'],
    ['a wrong declaration', declare('kind: NodePortPolice'), {}, {}, 'refused request kind-unknown'],
    [
      'a restriction that is not there',
      { kind: 'unrestrict', spec: { ports: { first: 1, last: 1 }, protocol: null } },
      {},
      {},
      'refused request no-restriction',
    ],
    [
      'ports of the node itself that nothing tracks',
      restrict('40000', '192.0.2.0/24'),
      { facts: { ...FACTS, notrack: ['ip raw PREROUTING'] } },
      {},
      'refused request local-ports-untracked',
    ],
    ['the own session', restrict('22', '192.0.2.0/24'), { administrator: ssh }, {}, 'refused request own-session'],
    [
      'the own session, knowingly',
      restrict('22', '192.0.2.0/24'),
      { administrator: ssh },
      { mayCutOwnSession: true },
      'plan',
    ],
    [
      'the own session, in a rehearsal',
      restrict('22', '192.0.2.0/24'),
      { administrator: ssh },
      { rehearsal: true },
      'plan own-session',
    ],
  ];
  for (const [what, wish, situation, care, answer] of cases)
    test(`${what}: ${answer}`, () =>
      assert.equal(said(planFor({ ...HERE, ...situation }, wish, { ...CARE, ...care })), answer));

  test('what a change cuts is what the one before let through, and lives', () => {
    const flows = [
      flow('203.0.113.7', 30_001),
      { ...flow('203.0.113.8', 30_001), closed: true },
      flow('198.51.100.1', 30_001),
      flow('203.0.113.7', 30_002),
    ];
    const cutBy = (stored: StoredState) => {
      const planned = planFor({ ...HERE, flows, stored: ok(stored) }, restrict('30001', '198.51.100.0/24'), CARE);
      assert.ok(planned.kind === 'plan');
      return planned.plan.newlyCut.map((cut) => `${formatAddress(cut.flow.source)} ${cut.flow.destinationPort}`);
    };
    assert.deepEqual(cutBy(EMPTY_STATE), ['203.0.113.7 30001']);
    assert.deepEqual(cutBy(stateOf(restrict('30001', '192.0.2.0/24'))), []);
  });

  const times: [what: string, confirmWithin: Care['confirmWithin'], source: string, ms: number | null][] = [
    ['as asked for', 30_000, '203.0.113.7', 30_000],
    ['not at all', null, '203.0.113.9', null],
    ['a minute, where the own host is cut', 'if-own-host-is-cut', '203.0.113.9', 60_000],
    ['not at all, where another is', 'if-own-host-is-cut', '203.0.113.7', null],
  ];
  for (const [what, confirmWithin, source, ms] of times)
    test(`it waits for a confirmation: ${what}`, () => {
      const administrator = { session: [], host: address('203.0.113.9') };
      const planned = planFor({ ...HERE, administrator, flows: [flow(source, 30_001)] }, one, {
        ...CARE,
        confirmWithin,
      });
      assert.ok(planned.kind === 'plan');
      assert.equal(planned.plan.confirmMs, ms);
    });

  test('options of a declaration that are not given stay, and the host name stands in for a name', () => {
    const before = stateOf({ ...declare(POLICY), options: { hostName: 'here', nodeLabels: { zone: 'a' } } } as Wish);
    const planned = planFor({ ...HERE, stored: ok(before) }, declare(POLICY), CARE);
    assert.ok(planned.kind === 'plan');
    assert.deepEqual(
      [planned.plan.state.options.nodeName, planned.plan.state.options.nodeLabels],
      ['here', { zone: 'a' }],
    );
  });

  test('it is a value that can be printed', () => {
    const planned = planFor(HERE, one, CARE);
    const text = JSON.stringify(planned, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
    assert.ok(text.includes('"restrict-30001"'));
    assert.ok(!Object.values(planned.kind === 'plan' ? planned.plan : {}).some((part) => typeof part === 'function'));
  });
});
