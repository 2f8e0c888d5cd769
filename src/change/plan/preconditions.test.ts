import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluateState, EMPTY_STATE } from '../../access/state.ts';
import type { Access } from '../../access/model.ts';
import type { Facts } from './facts.ts';
import { cautions, obstacles } from './preconditions.ts';

const GOOD: Facts = {
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

const accessTo = (port: string): Access => {
  const text = `apiVersion: portcullis.dev/v1alpha1
kind: ClusterNodePortPolicy
metadata: { name: p }
spec: { tier: Admin, priority: 1, subject: { ports: ["${port}"] }, rules: [{ action: Deny, from: [{ everyone: true }] }] }`;
  const evaluated = evaluateState({ ...EMPTY_STATE, sources: [{ name: 'p.yaml', text }] });
  assert.ok(evaluated.ok);
  return evaluated.value.access;
};

describe('what keeps a machine from being guarded', () => {
  const cases: [facts: Partial<Facts>, says: string[]][] = [
    [{}, []],
    [{ mayAdministrate: false }, ['the rules of the kernel may be changed by root alone']],
    [{ nftVersion: null }, ['the program nft is not installed']],
    [{ nftVersion: [0, 9, 8] }, ['nft 0.9.8 is too old']],
    [{ nftVersion: [1, 0, 0] }, ['nft 1.0.0 is too old']],
    [{ nftVersion: [1, 0, 1] }, []],
    [{ nftVersion: [1, 1] }, []],
    [{ nfTablesProblem: 'Protocol not supported' }, ['the kernel does not answer nft: Protocol not supported']],
    [{ kernel: [5, 4] }, ['Linux 5.4 is too old']],
    [{ kernel: [5, 10] }, []],
    [
      { bypasses: ['the XDP program on eth0'] },
      ['not enforceable here: the XDP program on eth0 takes packets before netfilter sees them'],
    ],
    [
      { flowtables: ['inet f ft (eth0)'] },
      ['not enforceable here: packets of established connections go past the rules by the flowtable inet f ft (eth0)'],
    ],
    // What follows from another lack is not told.
    [
      { mayAdministrate: false, nftVersion: null, bypasses: ['x'] },
      ['the rules of the kernel may be changed by root alone'],
    ],
  ];
  for (const [facts, says] of cases)
    test(`${JSON.stringify(facts)}: ${says[0] ?? 'nothing'}`, () => {
      const found = obstacles({ ...GOOD, ...facts }, false);
      assert.deepEqual(
        found.map(({ message }) => message),
        says,
      );
      assert.ok(found.every(({ severity, hint }) => severity === 'error' && hint !== undefined));
    });

  test('--ignore-dataplane goes past bypasses, and past nothing else', () => {
    const all = { ...GOOD, bypasses: ['x'], flowtables: ['y'] };
    assert.deepEqual(obstacles(all, true), []);
    assert.equal(obstacles({ ...all, nftVersion: null }, true).length, 1);
  });
});

describe('what an administrator should know', () => {
  const cases: [facts: Partial<Facts>, port: string, says: [severity: string, code: string][]][] = [
    [{}, '30001', []],
    [{}, '40000/udp', [['warning', 'local-ports']]],
    [{}, '32000-32768/tcp', [['warning', 'local-ports']]],
    [{}, '32000-32767/tcp', []],
    [{ notrack: ['ip raw PREROUTING'] }, '40000/udp', [['error', 'local-ports-untracked']]],
    [{ notrack: ['ip raw PREROUTING'] }, '30001', []],
    [{ localPorts: null }, '40000/udp', []],
    [{ conntrackTool: false }, '30001', [['warning', 'conntrack-missing']]],
    [{ bothIptables: true }, '30001', [['warning', 'both-iptables']]],
  ];
  for (const [facts, port, says] of cases)
    test(`port ${port}, ${JSON.stringify(facts)}: ${says.map(([severity, code]) => `${severity} ${code}`).join(', ') || 'nothing'}`, () => {
      const found = cautions({ ...GOOD, ...facts }, accessTo(port));
      assert.deepEqual(
        found.map(({ severity, code }) => [severity, code]),
        says,
      );
    });
});
