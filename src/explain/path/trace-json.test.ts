import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { after, ask } from '../../../test/support/ask.ts';
import { capturedNode, CAPTURED_MODES } from '../../../test/support/captured-node.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import { outcomeJson, traceJson } from './trace-json.ts';
import { traceView } from './trace-view.ts';

const KEYS = [
  'result',
  'to',
  'source',
  'via',
  'where',
  'listener',
  'reject',
  'client',
  'returnPath',
  'probability',
  'kind',
  'assuming',
  'decidedBy',
];

const outcomes = (ruleset: Ruleset, from: string, to: string) => {
  const { trace } = ask(ruleset, from, to);
  return trace.outcomes.map((outcome) => outcomeJson(trace.packet.family, outcome));
};

describe('the contract of outcomes[]', () => {
  for (const mode of CAPTURED_MODES)
    test(`${mode}: three endpoints, two of them on another node`, () => {
      const told = outcomes(capturedNode(mode, 'small'), '203.0.113.7', '192.0.2.10:30001');
      for (const outcome of told) assert.deepEqual(Object.keys(outcome), KEYS);
      assert.deepEqual(
        told.map(
          ({ result, to, source, via, where, listener, reject, client, returnPath, probability, kind, assuming }) => [
            result,
            to,
            source,
            via?.oif,
            via?.nextHop,
            where,
            listener,
            reject,
            client,
            returnPath,
            probability,
            kind,
            assuming.length,
          ],
        ),
        [
          [
            'delivered',
            '10.244.1.64:8080',
            '10.244.1.1',
            'cni0',
            null,
            'this-node',
            null,
            null,
            'connects',
            'through-node',
            '1/3',
            mode === 'ipvs' ? 'share' : 'random',
            0,
          ],
          [
            'delivered',
            '10.244.2.21:8080',
            '192.0.2.10',
            'eth0',
            '192.0.2.11',
            'other-node',
            null,
            null,
            'connects',
            'through-node',
            '1/3',
            mode === 'ipvs' ? 'share' : 'random',
            0,
          ],
          [
            'delivered',
            '10.244.2.22:8080',
            '192.0.2.10',
            'eth0',
            '192.0.2.11',
            'other-node',
            null,
            null,
            'connects',
            'through-node',
            '1/3',
            mode === 'ipvs' ? 'share' : 'random',
            0,
          ],
        ],
      );
    });

  test('a refused packet names the rule that answers', () => {
    const [told] = outcomes(capturedNode('iptables-nft', 'small'), '203.0.113.7', '192.0.2.10:30005');
    assert.deepEqual(
      [told?.result, told?.to, told?.source, told?.reject, told?.client, told?.probability, told?.kind],
      ['rejected', null, null, 'icmp-port-unreachable', 'refused', '1', 'certain'],
    );
    const { engine, family, table, chain, rule, file, line, text } = told?.decidedBy ?? assert.fail();
    assert.deepEqual(
      [engine, family, table, chain, rule, file],
      ['iptables-nft', 'ip', 'filter', 'KUBE-EXTERNAL-SERVICES', 2, 'iptables-save.txt'],
    );
    assert.equal(typeof line, 'number');
    assert.match(text, /^-A KUBE-EXTERNAL-SERVICES .* -j REJECT/);
  });

  test('what a rule may or may not match is assumed, and has no probability', () => {
    const ruleset = after(
      capturedNode('iptables-nft', 'small'),
      'iptables -t mangle -I PREROUTING -p tcp --dport 30001 -m limit --limit 1/s -j DROP',
    );
    const told = outcomes(ruleset, '203.0.113.7', '192.0.2.10:30001');
    const dropped = told.find(({ result }) => result === 'dropped') ?? assert.fail();
    assert.deepEqual(
      [
        dropped.probability,
        dropped.kind,
        dropped.assuming.map(({ ref, what, holds }) => [ref.chain, ref.rule, what, holds]),
      ],
      [null, 'unknown', [['PREROUTING', 1, 'match', true]]],
    );
    for (const { result, assuming } of told)
      if (result === 'delivered')
        assert.deepEqual(
          assuming.map(({ what, holds }) => [what, holds]),
          [['match', false]],
        );
  });

  test('IPv6 endpoints stand in brackets', () => {
    const [told] = outcomes(capturedNode('nftables', 'small'), '2001:db8:0:203::7', '[2001:db8:0:2::10]:30006');
    assert.match(told?.to ?? '', /^\[fd00:10:244:\d+::\w+\]:8080$/);
  });
});

describe('the contract of trace', () => {
  const { trace } = ask(capturedNode('nftables', 'small'), '203.0.113.7', '192.0.2.10:30001');
  const json = traceJson(traceView(trace));

  test('the packet is said in full', () => {
    assert.deepEqual(json.packet, {
      family: 4,
      sources: ['203.0.113.7/32'],
      destination: '192.0.2.10',
      protocol: 'tcp',
      sourcePort: null,
      destinationPort: 30_001,
      entry: 'eth0',
      state: 'new',
    });
  });

  test('each leaf has the index of its outcome', () => {
    const leaves: unknown[] = [];
    const walk = (node: Readonly<Record<string, unknown>>): void => {
      if ('outcome' in node) leaves.push(node['outcome']);
      for (const branch of (node['branches'] ?? []) as readonly Readonly<Record<string, unknown>>[]) walk(branch);
    };
    walk(json.trace);
    assert.deepEqual(leaves.toSorted(), [0, 1, 2]);
  });

  test('it is JSON: no number is lost', () => assert.deepEqual(JSON.parse(JSON.stringify(json)), json));
});
