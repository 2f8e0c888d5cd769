import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { after, ask } from '../../../test/support/ask.ts';
import { good } from '../../../test/support/good.ts';
import { capturedNode, withClassicRule } from '../../../test/support/captured-node.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { ConnectionState } from '../../simulate/state/packet-set.ts';
import { findRule } from './find-rule.ts';
import { whyNot } from './why-not.ts';

const NODE_PORT = '192.0.2.10:30001';
const OUTSIDE = '203.0.113.7';
const ALLOWED = '198.51.100.2';

const iptables = capturedNode('iptables-nft', 'small');
const nftables = capturedNode('nftables', 'small');
const ipvs = capturedNode('ipvs', 'small');
const input = {
  iptables: withClassicRule('iptables-nft', 'INPUT-DROP', 'nft'),
  nftables: withClassicRule('nftables', 'INPUT-DROP', 'nft'),
  ipvs: withClassicRule('ipvs', 'INPUT-DROP', 'legacy'),
};
const redirect = {
  iptables: withClassicRule('iptables-nft', 'REDIRECT', 'nft'),
  nftables: withClassicRule('nftables', 'REDIRECT', 'nft'),
};

const RULE = '-p tcp ! -s 198.51.100.0/30 -m tcp --dport 30001';
const INPUT_TEXT = `filter INPUT 1: -A INPUT ${RULE} -j DROP`;
const WORKS = [`iptables -t mangle -I PREROUTING 1 ${RULE} -j DROP`, 'or: portcullis restrict 30001 --from CIDR'];
const PLAIN_WORKS = ['iptables -t mangle -I PREROUTING 1 -p tcp -m tcp --dport 30001 -j DROP', WORKS[1] ?? ''];
const MUST_STAND = 'To see the packet, a rule must run before the rewriting, in prerouting at a priority below -100:';
const BEFORE_INPUT = (rule: string): string =>
  `The packet never comes to the hook input: before it, ${rule} has rewritten the destination to 10.244.1.64:8080 (or another endpoint), so routing sends it to forward.`;
const SEP = 'nat KUBE-SEP-3GZREHSJ2ZH62AXN 2';

interface Case {
  readonly name: string;
  readonly ruleset: Ruleset;
  readonly from?: string;
  readonly to?: string;
  readonly state?: ConnectionState;
  readonly rule: string;
  readonly said: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: "iptables mode: INPUT comes behind kube-proxy's rewriting",
    ruleset: input.iptables,
    rule: 'filter INPUT 1',
    said: [INPUT_TEXT, BEFORE_INPUT(SEP), MUST_STAND, ...WORKS],
  },
  {
    name: "nftables mode: INPUT comes behind kube-proxy's rewriting",
    ruleset: input.nftables,
    rule: 'filter INPUT 1',
    said: [INPUT_TEXT, BEFORE_INPUT('kube-proxy service-SFDBSQB2-shop/frontend/tcp/http 1'), MUST_STAND, ...WORKS],
  },
  {
    name: 'ipvs mode: INPUT does see it, since IPVS takes over behind',
    ruleset: input.ipvs,
    rule: 'filter INPUT 1',
    said: [
      INPUT_TEXT,
      'It does see the packet, and decides about it.',
      'In ipvs mode the destination is rewritten behind the filter rules of input: those see packets to node ports as they came.',
    ],
  },
  {
    name: 'a rule of INPUT that would spare the sender anyway',
    ruleset: input.iptables,
    from: ALLOWED,
    rule: 'filter INPUT 1',
    said: [
      INPUT_TEXT,
      BEFORE_INPUT(SEP),
      `Nor would it match where it saw the packet as it came: it asks for source address other than 198.51.100.0/30, and there the packet has ${ALLOWED}.`,
    ],
  },
  {
    name: 'a rule of INPUT about another port, in ipvs mode',
    ruleset: input.ipvs,
    to: '192.0.2.10:30002',
    rule: 'filter INPUT 1',
    said: [
      INPUT_TEXT,
      'The packet comes to its chain, but the rule does not match: it asks for destination port 30001, and there the packet has 30002.',
    ],
  },
  {
    name: 'ipvs mode: FORWARD is not on the way',
    ruleset: after(ipvs, 'iptables -I FORWARD -p tcp --dport 30001 -j DROP'),
    rule: 'filter FORWARD 1',
    said: [
      'filter FORWARD 1: -A FORWARD -p tcp -m tcp --dport 30001 -j DROP',
      'The packet never comes to the hook forward: IPVS takes it over behind the filter rules of input and sends it on through output and postrouting.',
      'To see the packet as it came, a rule must run in input or before:',
      'iptables -I INPUT 1 -p tcp -m tcp --dport 30001 -j DROP',
      'or: portcullis restrict 30001 --from CIDR',
    ],
  },
  {
    name: 'iptables mode: FORWARD sees the rewritten port, also in front of rules that decide later',
    ruleset: after(iptables, 'iptables -I FORWARD -p tcp --dport 30001 -j DROP'),
    rule: 'filter FORWARD 1',
    said: [
      'filter FORWARD 1: -A FORWARD -p tcp -m tcp --dport 30001 -j DROP',
      'The packet comes to its chain, but the rule does not match: it asks for destination port 30001, and there the packet has 8080.',
      `${SEP} has rewritten the packet before. This rule sees it as it came:`,
      ...PLAIN_WORKS,
    ],
  },
  {
    name: "a rule behind kube-proxy's jump, which rewrites first; a REDIRECT can only stand in nat",
    ruleset: after(iptables, 'iptables -t nat -A PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 65535'),
    rule: 'nat PREROUTING 2',
    said: [
      'nat PREROUTING 2: -A PREROUTING -p tcp -m tcp --dport 30001 -j REDIRECT --to-ports 65535',
      `${SEP} decides before it: -A KUBE-SEP-3GZREHSJ2ZH62AXN -p tcp -m comment --comment shop/frontend:http -m tcp -j DNAT --to-destination 10.244.1.64:8080`,
      ...PLAIN_WORKS,
    ],
  },
  {
    name: 'a rule in front of the jump works',
    ruleset: redirect.iptables,
    rule: 'nat PREROUTING 1',
    said: [
      `nat PREROUTING 1: -A PREROUTING ${RULE} -j REDIRECT --to-ports 65535`,
      'It does see the packet, and rewrites it.',
    ],
  },
  {
    name: 'nftables mode: a nat rule beside kube-proxy works only if it was registered last',
    ruleset: redirect.nftables,
    rule: 'nat PREROUTING 1',
    said: [
      `nat PREROUTING 1: -A PREROUTING ${RULE} -j REDIRECT --to-ports 65535`,
      'It sees the packet only if its chain runs before the others of the same hook and priority; of those the one that was registered last runs first.',
      'A restart of kube-proxy can change that without a word. A rule at a priority of its own does not depend on it:',
      ...WORKS,
    ],
  },
  {
    name: 'an established connection passes nat rules by',
    ruleset: redirect.iptables,
    state: 'established',
    rule: 'nat PREROUTING 1',
    said: [
      `nat PREROUTING 1: -A PREROUTING ${RULE} -j REDIRECT --to-ports 65535`,
      "Its nat chain is skipped: nat decides once, at a connection's first packet, and this connection was decided before.",
      'An existing connection is not affected by it; conntrack -D ends such connections, a filter rule before nat sees every packet:',
      ...WORKS,
    ],
  },
  {
    name: 'a packet for a neighbour, which never comes to this node by itself',
    ruleset: input.iptables,
    to: '192.0.2.50:30001',
    rule: 'filter INPUT 1',
    said: [
      INPUT_TEXT,
      '192.0.2.50 is no address of this node: what comes here for it is forwarded by eth0 and never meets the hook input.',
      'It would leave by the interface that it came in by: such a packet comes to this node only if somebody uses it as a gateway.',
    ],
  },
  {
    name: 'a packet for a pod is forwarded',
    ruleset: input.iptables,
    to: '10.244.1.64:30001',
    rule: 'filter INPUT 1',
    said: [
      INPUT_TEXT,
      '10.244.1.64 is no address of this node: what comes here for it is forwarded by cni0 and never meets the hook input.',
      'A rule about it belongs into forward.',
    ],
  },
  {
    name: 'a martian',
    ruleset: input.nftables,
    from: '127.0.0.5',
    rule: 'filter INPUT 1',
    said: [INPUT_TEXT, 'The packet does not get so far: martian source: no packet from outside has it.'],
  },
  {
    name: 'a rule that decides',
    ruleset: after(iptables, 'iptables -t mangle -A PREROUTING -p tcp --dport 30001 -j DROP'),
    rule: 'mangle PREROUTING 1',
    said: [
      'mangle PREROUTING 1: -A PREROUTING -p tcp -m tcp --dport 30001 -j DROP',
      'It does see the packet, and decides about it.',
    ],
  },
  {
    name: 'a rule behind one that decided at an earlier hook',
    ruleset: after(input.ipvs, 'iptables -t mangle -A PREROUTING -p tcp --dport 30001 -j DROP'),
    rule: 'filter INPUT 1',
    said: [INPUT_TEXT, 'mangle PREROUTING 1 decides before it: -A PREROUTING -p tcp -m tcp --dport 30001 -j DROP'],
  },
  {
    name: 'an accept ends its own base chain alone',
    ruleset: after(
      nftables,
      "nft 'add table inet x; add chain inet x pre { type filter hook prerouting priority -140; }; add rule inet x pre tcp dport 30001 accept'",
    ),
    rule: 'x pre 1',
    said: [
      'inet x pre 1: tcp dport 30001 accept',
      'It does see the packet and accepts it; that ends its own base chain alone, and later chains can still decide otherwise.',
    ],
  },
  {
    name: 'a chain to which nothing leads',
    ruleset: after(
      nftables,
      "nft 'add table inet x; add chain inet x lost; add rule inet x lost tcp dport 30001 drop'",
    ),
    rule: 'x lost 1',
    said: ['inet x lost 1: tcp dport 30001 drop', 'No base chain leads to lost: no packet ever comes to it.'],
  },
];

describe('why a rule does not decide about a packet', () => {
  for (const { name, ruleset, from = OUTSIDE, to = NODE_PORT, state = 'new', rule, said } of cases)
    test(name, () => {
      const { trace } = ask(ruleset, from, to, { state });
      assert.deepEqual(whyNot(trace, good(findRule(ruleset, 4, rule))), said);
    });
});

describe('a rule is found by its place or by its text', () => {
  const spellings: readonly string[] = [
    'filter INPUT 1',
    'ip filter INPUT 1',
    `-A INPUT ${RULE} -j DROP`,
    'iptables -I INPUT -p tcp ! -s 198.51.100.0/30 --dport 30001 -j DROP',
    'sudo iptables -t filter -I INPUT 1 -p tcp ! -s 198.51.100.0/30 --dport 30001 -j DROP',
  ];
  for (const spelling of spellings)
    test(spelling, () => {
      const { table, chain, number } = good(findRule(input.iptables, 4, spelling));
      assert.deepEqual([table.family, table.name, chain.name, number], ['ip', 'filter', 'INPUT', 1]);
    });

  test('nft rules too', () => {
    const ruleset = after(
      nftables,
      "nft 'add table inet x; add chain inet x in; add rule inet x in tcp dport 30001 drop'",
    );
    for (const spelling of ['tcp dport 30001 drop', "nft 'add rule inet x in tcp dport 30001 drop'", 'inet x in 1'])
      assert.equal(good(findRule(ruleset, 4, spelling)).chain.name, 'in');
  });

  const bad: readonly (readonly [asked: string, message: RegExp])[] = [
    ['filter INPUT 99', /^filter INPUT has \d+ rules$/],
    ['filter INPUT 0', /^filter INPUT has \d+ rules$/],
    ['filter NOWHERE 1', /^there is no chain filter NOWHERE$/],
    ['ip6 filter INPUT 1', /^there is no chain filter INPUT$/],
    ['-p tcp --dport 1 -j DROP', /^no rule reads /],
  ];
  for (const [asked, message] of bad)
    test(`${asked} is none`, () => {
      const found = findRule(input.iptables, 4, asked);
      assert.match(found.ok ? '' : (found.problems[0]?.message ?? ''), message);
      assert.notEqual(found.ok ? '' : found.problems[0]?.hint, undefined);
    });
});
