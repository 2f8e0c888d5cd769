import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePorts } from '../net/port.ts';
import { parsePrefix } from '../net/prefix.ts';
import { good } from '../../test/support/good.ts';
import type { Restriction } from '../policy/restrict.ts';
import { evaluateState, EMPTY_STATE, type StoredState } from './state.ts';
import { readStateJson, stateJson } from './state-json.ts';

const restriction = (port: string, from: readonly string[], more: Partial<Restriction> = {}): Restriction => ({
  spec: good(parsePorts(port)),
  from: from.map((text) => good(parsePrefix(text))),
  otherwise: 'Drop',
  allowFailsafe: [],
  ...more,
});

const stored = (state: StoredState): unknown => JSON.parse(JSON.stringify(stateJson(state)));

const RESTRICTIONS: readonly Restriction[] = [
  restriction('30001', ['192.0.2.0/24']),
  restriction('30001/udp', ['192.0.2.0/24', '2001:db8::/32'], { otherwise: 'Reject' }),
  restriction('30000-30099', []),
  restriction('22', ['198.51.100.7/32'], { allowFailsafe: [22] }),
];

describe('a stored state', () => {
  for (const one of RESTRICTIONS)
    test(`a restriction comes back as it was: ${JSON.stringify(stateJson({ ...EMPTY_STATE, restrictions: [one] }).restrictions[0]?.metadata)}`, () =>
      assert.deepEqual(readStateJson(stored({ ...EMPTY_STATE, restrictions: [one] }))?.restrictions, [one]));

  test('sources of both kinds and options come back as they were', () => {
    const state: StoredState = {
      sources: [
        { name: 'a.yaml', text: 'kind: Node' },
        { name: 'the API', objects: [{ kind: 'Node' }, 7] },
      ],
      restrictions: RESTRICTIONS,
      options: {
        nodeName: 'node-1',
        nodeLabels: { zone: 'a' },
        podCidrs: [good(parsePrefix('10.244.0.0/16'))],
        standalone: true,
        allowFailsafe: [22],
      },
    };
    assert.deepEqual(readStateJson(stored(state)), state);
  });

  test('a restriction means what its manifest means', () => {
    for (const one of RESTRICTIONS) {
      const data = { ...EMPTY_STATE, restrictions: [one] };
      const { restrictions } = stateJson(data);
      const text = { ...EMPTY_STATE, sources: [{ name: 'r.json', text: JSON.stringify(restrictions[0]) }] };
      assert.deepEqual(good(evaluateState(data)).access, good(evaluateState(text)).access);
    }
  });

  const good1 = stored({ ...EMPTY_STATE, restrictions: RESTRICTIONS }) as { restrictions: { spec: object }[] };
  const damages: [what: string, json: unknown][] = [
    ['nothing', null],
    ['another form', { sources: 'none' }],
    ['a restriction of another kind', { ...good1, restrictions: [{ kind: 'Node' }] }],
    [
      'a restriction that says more than one does',
      { ...good1, restrictions: good1.restrictions.map((one) => ({ ...one, spec: { ...one.spec, mode: 'Audit' } })) },
    ],
    ['a prefix that is none', { ...good1, options: { ...EMPTY_STATE.options, podCidrs: ['10.0.0.1/8'] } }],
  ];
  for (const [what, json] of damages) test(`${what} is no state`, () => assert.equal(readStateJson(json), null));
});

describe('a restriction beside manifests', () => {
  test('whose name a manifest bears is not lost: the manifest is refused, with its place', () => {
    const manifest = stateJson({ ...EMPTY_STATE, restrictions: [restriction('30001/udp', [])] }).restrictions[0];
    const both = evaluateState({
      ...EMPTY_STATE,
      sources: [{ name: 'r.json', text: JSON.stringify(manifest) }],
      restrictions: [restriction('30001/udp', [])],
    });
    assert.ok(!both.ok);
    const [problem] = both.problems;
    assert.deepEqual(
      [problem?.code, problem?.source?.name, problem?.hint],
      ['given-twice', 'r.json', 'Give it another name, or take the other away: portcullis remove 30001/udp'],
    );
  });
});
