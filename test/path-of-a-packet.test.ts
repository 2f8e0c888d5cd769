import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../src/simulate/simulate.ts';
import { nodeWith, savedTables } from './support/node-with.ts';
import { outcomeText, packetOf, visits } from './support/packet-lines.ts';

const outcomes = (
  dumps: Readonly<Record<string, string | null>>,
  line: string,
  state: 'new' | 'established' = 'new',
) => {
  const ruleset = nodeWith(dumps);
  const trace = simulate(ruleset, packetOf(ruleset, line, state));
  return trace.outcomes.map((outcome) => outcomeText(trace, outcome));
};

const NODE_PORT = '203.0.113.7 -> 192.0.2.10:30001/tcp in eth0';

/** Packets with mark 1 have another way out. */
const BY_MARK = {
  'ip-rule.txt': '0: from all lookup local\n100: from all fwmark 0x1 lookup 100\n32766: from all lookup main\n',
  'ip-route.txt': `default via 192.0.2.1 dev eth0
default dev cni0 table 100
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
`,
  'ip-6-rule.txt': '0: from all lookup local\n100: from all fwmark 0x1 lookup 100\n32766: from all lookup main\n',
  'ip-6-route.txt': `2001:db8::/64 dev eth0 proto kernel metric 256 pref medium
default via 2001:db8::1 dev eth0 metric 1024 pref medium
default dev cni0 table 100 metric 1024 pref medium
`,
};

describe('the order of hooks', () => {
  const order = (text: string, line: string, dumps: Readonly<Record<string, string>> = {}): readonly string[] => {
    const ruleset = nodeWith({ 'rules.nft': text, ...dumps });
    return visits(simulate(ruleset, packetOf(ruleset, line)));
  };

  test('nat chains are one group at -100, whatever their priority', () =>
    assert.deepEqual(
      order(
        `table ip t {
          chain nat { type nat hook prerouting priority -190; counter }
          chain before { type filter hook prerouting priority -150; counter }
          chain after { type filter hook prerouting priority -50; counter }
        }`,
        NODE_PORT,
      ),
      ['t before', 't nat', 't after'],
    ));

  test('within a table, the chain that was registered last runs first at equal priority', () =>
    assert.deepEqual(
      order(
        `table ip t {
          chain first { type filter hook input priority 0; counter }
          chain second { type filter hook input priority 0; counter }
        }`,
        NODE_PORT,
      ),
      ['t second', 't first'],
    ));

  test('accept ends only its own base chain, drop is final', () => {
    const table = (verdict: string) => `table ip t {
      chain a { type filter hook input priority 0; ${verdict} }
      chain b { type filter hook input priority 10; drop }
    }`;
    assert.deepEqual(order(table('accept'), NODE_PORT), ['t a', 't b']);
    assert.deepEqual(order(table('drop'), NODE_PORT), ['t a']);
  });

  test('later output chains see the old device after a rewriting, postrouting the new one', () =>
    assert.deepEqual(
      order(
        `table ip t {
          chain nat { type nat hook output priority -100; tcp dport 30001 dnat to 10.244.1.64:8080 }
          chain out { type filter hook output priority 0; counter }
          chain post { type filter hook postrouting priority 0; counter }
        }`,
        'node -> 192.0.2.10:30001/tcp',
      ),
      ['t nat out lo', 't out out lo', 't post out cni0'],
    ));

  const marks: readonly (readonly [string, string, string])[] = [
    ['a chain of type route that sets a mark', 'type route hook output priority 0; meta mark set 1', 'cni0'],
    ['a chain of type filter that sets a mark', 'type filter hook output priority 0; meta mark set 1', 'eth0'],
    ['a chain of type route that leaves the mark alone', 'type route hook output priority 0; meta mark set 0', 'eth0'],
  ];
  for (const [name, chain, out] of marks)
    test(`${name} sends the node's own packets out by ${out}`, () => {
      const text = `table ip t {
          chain out { ${chain} }
          chain post { type filter hook postrouting priority 0; counter }
        }`;
      assert.deepEqual(order(text, 'node -> 203.0.113.7:80/tcp', BY_MARK), ['t out out eth0', `t post out ${out}`]);
    });

  test('the route is looked up by what the chain of type route has changed, not by what one of the same priority changes', () => {
    // The last one runs first.
    const text = (first: string, second: string) => `table ip t {
          chain second { type ${second} meta mark set 1 }
          chain first { type ${first} meta mark set 2 }
          chain post { type filter hook postrouting priority 0; counter }
        }`;
    const line = 'node -> 203.0.113.7:80/tcp';
    const [route, filter] = ['route hook output priority 0;', 'filter hook output priority 0;'];
    const before = ['t first out eth0', 't second out eth0'];
    assert.deepEqual(order(text(route, filter), line, BY_MARK), [...before, 't post out eth0']);
    assert.deepEqual(order(text(filter, route), line, BY_MARK), [...before, 't post out cni0']);
  });

  const ttls: readonly (readonly [string, string, string, string])[] = [
    ['ip6', 'ip6 hoplimit set 3', 'node -> 2001:db8:c::7:80/tcp', 'cni0'],
    ['ip', 'ip ttl set 3', 'node -> 203.0.113.7:80/tcp', 'eth0'],
  ];
  for (const [family, statement, line, out] of ttls)
    test(`${statement} in a chain of type route sends the node's own packets out by ${out}, as an earlier chain marked them`, () => {
      const text = `table ${family} t {
          chain marks { type filter hook output priority -10; meta mark set 1 }
          chain out { type route hook output priority 0; ${statement} }
          chain post { type filter hook postrouting priority 0; counter }
        }`;
      assert.deepEqual(order(text, line, BY_MARK), ['t marks out eth0', 't out out eth0', `t post out ${out}`]);
    });

  test("the node's own packets to its own address come in again by lo, and nat is not asked again", () =>
    assert.deepEqual(
      order(
        `table ip t {
          chain out { type nat hook output priority -100; counter }
          chain pre { type nat hook prerouting priority -100; counter }
          chain early { type filter hook prerouting priority -150; counter }
          chain in { type filter hook input priority 0; counter }
        }`,
        'node -> 192.0.2.10:22/tcp',
      ),
      ['t out out lo', 't early', 't in'],
    ));
});

const TO_POD = '-A PREROUTING -p tcp --dport 30001 -j DNAT --to-destination 10.244.1.64:8080';

const ENDS: readonly (readonly [string, Readonly<Record<string, string | null>>, string, readonly string[]])[] = [
  ['nobody listens: the client is refused', {}, NODE_PORT, ['always local 192.0.2.10:30001 from 203.0.113.7 refused']],
  [
    'a socket listens',
    {},
    '203.0.113.7 -> 192.0.2.10:22/tcp in eth0',
    ['always local 192.0.2.10:22 from 203.0.113.7 connects'],
  ],
  [
    'without a dump of sockets nobody knows',
    { 'ss-listening.txt': null },
    NODE_PORT,
    ['always local 192.0.2.10:30001 from 203.0.113.7 depends'],
  ],
  [
    'rewritten before INPUT: an INPUT rule never sees it',
    { 'save.txt': savedTables({ nat: [TO_POD], filter: ['-A INPUT -p tcp --dport 30001 -j DROP'] }) },
    NODE_PORT,
    ['always delivered 10.244.1.64:8080 from 203.0.113.7 connects'],
  ],
  [
    'refused in raw before any rewriting',
    { 'save.txt': savedTables({ raw: ['-A PREROUTING -p tcp --dport 30001 -j DROP'], nat: [TO_POD] }) },
    NODE_PORT,
    ['always dropped timeout'],
  ],
  [
    'the first nat rule that maps is the last word',
    { 'save.txt': savedTables({ nat: ['-A PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 65535', TO_POD] }) },
    NODE_PORT,
    ['always local 192.0.2.10:65535 from 203.0.113.7 refused'],
  ],
  [
    'masquerade takes the address of the device it leaves by',
    { 'save.txt': savedTables({ nat: [TO_POD, '-A POSTROUTING -j MASQUERADE'] }) },
    NODE_PORT,
    ['always delivered 10.244.1.64:8080 from 10.244.1.1 connects'],
  ],
  [
    'an endpoint of another node may answer past this one',
    { 'save.txt': savedTables({ nat: [TO_POD.replace('1.64', '2.21')] }) },
    NODE_PORT,
    ['always delivered 10.244.2.21:8080 from 203.0.113.7 depends'],
  ],
  [
    'chances multiply: a third, then half of the rest, then what is left',
    {
      'save.txt': savedTables({
        nat: ['64', '66', '67'].map(
          (host, index) =>
            `-A PREROUTING -p tcp --dport 30001 ${['-m statistic --mode random --probability 0.33333333349 ', '-m statistic --mode random --probability 0.50000000000 ', ''][index]}-j DNAT --to-destination 10.244.1.${host}:80`,
        ),
      }),
    },
    NODE_PORT,
    ['64', '66', '67'].map((host) => `1/3 delivered 10.244.1.${host}:80 from 203.0.113.7 connects`),
  ],
  [
    'an unknown match branches',
    { 'save.txt': savedTables({ filter: ['-A INPUT -m somewhere --at night -j DROP'] }) },
    NODE_PORT,
    [
      '? local 192.0.2.10:30001 from 203.0.113.7 refused match filter INPUT 1 false',
      '? dropped timeout match filter INPUT 1 true',
    ],
  ],
  [
    'an unknown match that decides nothing is no branch',
    { 'save.txt': savedTables({ filter: ['-A INPUT -m limit --limit 1/s -j LOG'] }) },
    NODE_PORT,
    ['always local 192.0.2.10:30001 from 203.0.113.7 refused'],
  ],
  [
    'what is untracked is not rewritten',
    { 'save.txt': savedTables({ raw: ['-A PREROUTING -j CT --notrack'], nat: [TO_POD] }) },
    NODE_PORT,
    ['always local 192.0.2.10:30001 from 203.0.113.7 refused'],
  ],
  [
    'a set that is in no dump is unknown',
    { 'save.txt': savedTables({ filter: ['-A INPUT -m set --match-set allowed src -j DROP'] }) },
    NODE_PORT,
    [
      '? local 192.0.2.10:30001 from 203.0.113.7 refused match filter INPUT 1 false',
      '? dropped timeout match filter INPUT 1 true',
    ],
  ],
  [
    'a set that is empty is known',
    {
      'save.txt': savedTables({ filter: ['-A INPUT -m set --match-set allowed src -j DROP'] }),
      'ipset-save.txt': 'create allowed hash:net family inet hashsize 1024 maxelem 65536\n',
    },
    NODE_PORT,
    ['always local 192.0.2.10:30001 from 203.0.113.7 refused'],
  ],
  [
    'IPVS takes over behind filter/INPUT',
    {
      'ipvsadm-Sn.txt':
        '-A -t 192.0.2.10:30001 -s wrr\n-a -t 192.0.2.10:30001 -r 10.244.1.64:8080 -m -w 3\n-a -t 192.0.2.10:30001 -r 10.244.1.66:8080 -m -w 1\n',
    },
    NODE_PORT,
    [
      '3/4 delivered 10.244.1.64:8080 from 203.0.113.7 connects',
      '1/4 delivered 10.244.1.66:8080 from 203.0.113.7 connects',
    ],
  ],
  [
    'an INPUT rule refuses before IPVS',
    {
      'save.txt': savedTables({ filter: ['-A INPUT -p tcp --dport 30001 -j DROP'] }),
      'ipvsadm-Sn.txt': '-A -t 192.0.2.10:30001 -s rr\n-a -t 192.0.2.10:30001 -r 10.244.1.64:8080 -m -w 1\n',
    },
    NODE_PORT,
    ['always dropped timeout'],
  ],
  [
    'an IPVS service without servers refuses',
    { 'ipvsadm-Sn.txt': '-A -t 192.0.2.10:30001 -s rr\n' },
    NODE_PORT,
    ['always rejected refused'],
  ],
  [
    "the node's own address is no source for a packet from outside",
    {},
    '192.0.2.10 -> 192.0.2.10:22/tcp in eth0',
    ['always unroutable timeout'],
  ],
  [
    'rp_filter refuses a source whose way back is another',
    { 'sysctl.txt': 'net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 1\n' },
    '10.244.1.64 -> 192.0.2.10:22/tcp in eth0',
    ['always unroutable timeout'],
  ],
  [
    'no forwarding, no way through',
    { 'sysctl.txt': 'net.ipv4.ip_forward = 0\n' },
    '203.0.113.7 -> 198.51.100.5:80/tcp in eth0',
    ['always unroutable timeout'],
  ],
  [
    'a packet for others is forwarded',
    {},
    '203.0.113.7 -> 198.51.100.5:80/tcp in eth0',
    ['always forwarded 198.51.100.5:80 from 203.0.113.7 depends'],
  ],
];

describe('where a packet ends', () => {
  for (const [name, dumps, line, expected] of ENDS) test(name, () => assert.deepEqual(outcomes(dumps, line), expected));

  test('an established connection keeps the way that its first packet took', () => {
    const rules = { 'save.txt': savedTables({ nat: [TO_POD] }) };
    assert.deepEqual(outcomes(rules, NODE_PORT, 'established'), [
      'always delivered 10.244.1.64:8080 from 203.0.113.7 connects',
    ]);
  });

  test('a REDIRECT that comes later does not reach a connection that the tracker knows', () => {
    const rules = {
      'save.txt': savedTables({ nat: ['-A PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 65535'] }),
      'conntrack.txt':
        'ipv4     2 tcp      6 431999 ESTABLISHED src=203.0.113.7 dst=192.0.2.10 sport=40000 dport=30001 src=10.244.1.64 dst=203.0.113.7 sport=8080 dport=40000 [ASSURED] mark=0 use=1\n',
    };
    assert.deepEqual(outcomes(rules, NODE_PORT, 'established'), [
      'always delivered 10.244.1.64:8080 from 203.0.113.7 connects',
    ]);
    assert.deepEqual(outcomes(rules, NODE_PORT), ['always local 192.0.2.10:65535 from 203.0.113.7 refused']);
  });

  test('what several rules rewrite alike is as likely as all of them', () => {
    const half = '-m statistic --mode random --probability 0.5';
    const rules = {
      'save.txt': savedTables({
        nat: [
          `-A PREROUTING -p tcp --dport 30001 ${half} -j DNAT --to-destination 10.244.1.64:8080`,
          `-A PREROUTING -p tcp --dport 30001 ${half} -j DNAT --to-destination 10.244.1.66:8080`,
          TO_POD,
        ],
      }),
    };
    assert.deepEqual(outcomes(rules, NODE_PORT, 'established'), [
      '3/4 delivered 10.244.1.64:8080 from 203.0.113.7 connects',
      '1/4 delivered 10.244.1.66:8080 from 203.0.113.7 connects',
    ]);
  });

  const ipvs =
    '-A -t 192.0.2.10:30001 -s rr\n-a -t 192.0.2.10:30001 -r 10.244.1.64:8080 -m -w 1\n-a -t 192.0.2.10:30001 -r 10.244.1.66:8080 -m -w 1\n';
  const tracked = (server: string): string =>
    `ipv4 2 tcp 6 431999 ESTABLISHED src=203.0.113.7 dst=192.0.2.10 sport=40000 dport=30001 src=${server} dst=203.0.113.7 sport=8080 dport=40000 [ASSURED] mark=0 use=1\n`;
  const toServer = (server: string): string => `delivered ${server}:8080 from 203.0.113.7 connects`;
  const balanced: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[] = [
    [
      'stays with one of its servers, nobody knows which',
      { 'ipvsadm-Sn.txt': ipvs },
      [`1/2 ${toServer('10.244.1.64')}`, `1/2 ${toServer('10.244.1.66')}`],
    ],
    [
      'stays with the server that the tracker holds',
      { 'ipvsadm-Sn.txt': ipvs, 'conntrack.txt': tracked('10.244.1.66') },
      [`always ${toServer('10.244.1.66')}`],
    ],
    [
      'stays with a server that the service has lost since',
      { 'ipvsadm-Sn.txt': ipvs, 'conntrack.txt': tracked('10.244.1.67') },
      [`always ${toServer('10.244.1.67')}`],
    ],
    [
      'is refused by an INPUT rule, which stands before IPVS',
      {
        'save.txt': savedTables({ filter: ['-A INPUT -p tcp --dport 30001 -j DROP'] }),
        'ipvsadm-Sn.txt': ipvs,
        'conntrack.txt': tracked('10.244.1.66'),
      },
      ['always dropped timeout'],
    ],
    [
      'cannot be followed where its first packet was sent on through a tunnel',
      {
        'ipvsadm-Sn.txt':
          '-A -t 192.0.2.10:30001 -s rr\n-a -t 192.0.2.10:30001 -r 10.244.2.21:8080 -i -w 1\n-a -t 192.0.2.10:30001 -r 10.244.1.66:8080 -m -w 1\n',
      },
      [`1/2 ${toServer('10.244.1.66')}`, '? unknown depends'],
    ],
    [
      'cannot be followed where kube-proxy uses IPVS and no dump tells its services',
      { 'save.txt': savedTables({ nat: ['-N KUBE-NODE-PORT'] }) },
      ['? unknown depends'],
    ],
  ];
  for (const [name, dumps, expected] of balanced)
    test(`an established connection through IPVS ${name}`, () =>
      assert.deepEqual(outcomes(dumps, NODE_PORT, 'established'), expected));
});
