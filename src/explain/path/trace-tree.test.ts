import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { after, ask } from '../../../test/support/ask.ts';
import { capturedNode, CAPTURED_MODES, type CapturedMode } from '../../../test/support/captured-node.ts';
import { nodeWith, savedTables } from '../../../test/support/node-with.ts';
import { packetOf } from '../../../test/support/packet-lines.ts';
import { simulate } from '../../simulate/simulate.ts';
import type { Trace } from '../../simulate/state/trace.ts';
import { outcomeWords } from './outcome-words.ts';
import { summarize } from './trace-summary.ts';
import { printTree } from '../words/tree-line.ts';
import { traceTree } from './trace-tree.ts';
import { traceView } from './trace-view.ts';

const plain = (_kind: unknown, text: string): string => text;

const told = (mode: CapturedMode, from: string, to: string): string => {
  const { trace, who } = ask(capturedNode(mode, 'small'), from, to);
  const view = traceView(trace);
  return `${summarize(view, who)}\n\n${printTree(traceTree(view), { texts: true, paint: plain })}\n`;
};

describe('the way of a packet as a tree', () => {
  for (const mode of CAPTURED_MODES)
    test(`a node port in ${mode} mode reads as test/fixtures/explain/${mode}.txt`, () => {
      const file = new URL(`../../../test/fixtures/explain/${mode}.txt`, import.meta.url);
      assert.equal(told(mode, '203.0.113.7', '192.0.2.10:30001'), readFileSync(file, 'utf8'));
    });

  test('a cluster address from the node in ipvs mode reads as test/fixtures/explain/ipvs-cluster-ip.txt', () => {
    const file = new URL('../../../test/fixtures/explain/ipvs-cluster-ip.txt', import.meta.url);
    assert.equal(told('ipvs', 'node', '10.96.10.1:80'), readFileSync(file, 'utf8'));
  });

  test('a node port without endpoints is refused, with the rule', () => {
    assert.match(
      told('nftables', '203.0.113.7', '192.0.2.10:30005').split('\n')[0] ?? '',
      /^A TCP connection from 203\.0\.113\.7 to node port 30005 \(shop\/empty.*\) is refused with icmp-port-unreachable by kube-proxy reject-chain 1\.$/,
    );
  });

  const doubtful = (rules: number): Trace => {
    const each = Array.from(
      { length: rules },
      (_, bit) => `limit rate 1/second meta mark set meta mark or ${2 ** bit};`,
    );
    const text = `table ip t { chain in { type filter hook input priority 0; ${each.join(' ')} meta mark 1 drop; } }`;
    const ruleset = nodeWith({ 'rules.nft': text });
    return simulate(ruleset, packetOf(ruleset, '203.0.113.7 -> 192.0.2.10:22/tcp in eth0'));
  };
  const drawn = (trace: Trace): string => printTree(traceTree(traceView(trace)), { texts: false, paint: plain });

  test('every way is drawn where few rules cannot be told', () => assert.doesNotMatch(drawn(doubtful(5)), /more ways/));

  test('of thousands of ways, for rules that cannot be told, the first forks are drawn', () => {
    const tree = drawn(doubtful(16));
    assert.match(tree, /more ways, for too many rules cannot be told/);
    assert.ok(tree.split('\n').length < 500);
  });

  test('a rewriting is known behind a fork that lies between it and the routing', () => {
    const forked = after(
      capturedNode('nftables', 'small'),
      "nft 'add table inet own'",
      "nft 'add chain inet own pre { type filter hook prerouting priority -90; }'",
      "nft 'add rule inet own pre numgen random mod 2 vmap { 0 : accept, 1 : drop }'",
    );
    const { trace } = ask(forked, '203.0.113.7', '192.0.2.10:30001');
    const routing = drawn(trace).match(/routing +→ forward.*$/gm) ?? [];
    assert.equal(routing.length, 2);
    for (const words of routing) assert.match(words, /the destination is no longer this node/);
  });

  test('a rule that all branches told as one share keeps its text, though that begins as one of their endpoints', () => {
    const rule = '-A PREROUTING -p tcp -m tcp --dport 30999 -j DNAT --to-destination 10.244.1.64:8080-8090';
    const ruleset = nodeWith({ 'iptables-save.txt': savedTables({ nat: [rule] }) });
    const { trace } = ask(ruleset, '203.0.113.7', '192.0.2.10:30999');
    const tree = printTree(traceTree(traceView(trace)), { texts: true, paint: plain });
    assert.match(tree, /destination becomes that endpoint/);
    assert.ok(tree.includes(rule), tree);
  });

  test('a way that is not followed to its end says why', () =>
    assert.equal(
      summarize(traceView(doubtful(16)), 'A packet'),
      'A packet cannot be followed to its end: t in 12: too many rules before it cannot be told from the dumps.',
    ));

  const untold: readonly (readonly [string, string])[] = [
    ['queue', 't in 1: a program decides (queue)'],
    ['ip daddr set 192.0.2.11', 't in 1: what "ip daddr set 192.0.2.11" does is not modelled'],
  ];
  for (const [rule, why] of untold)
    test(`what "${rule}" comes to cannot be told, and why is said`, () => {
      const ruleset = nodeWith({
        'rules.nft': `table ip t { chain in { type filter hook input priority 0; ${rule}; } }`,
      });
      const { outcomes } = simulate(ruleset, packetOf(ruleset, '203.0.113.7 -> 192.0.2.10:22/tcp in eth0'));
      const words = outcomes.map((outcome) => outcomeWords(4, outcome));
      assert.ok(words.includes(`cannot be told: ${why}`), words.join('\n'));
    });
});
