import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeWith, savedTables } from '../../test/support/node-with.ts';
import { outcomeText, packetOf } from '../../test/support/packet-lines.ts';
import { simulate } from './simulate.ts';

const NODE_PORT = '203.0.113.7 -> 192.0.2.10:30001/tcp in eth0';

const AT = '-t 192.0.2.10:30001';

const saved = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;

const outcomes = (dumps: Readonly<Record<string, string>>): readonly string[] => {
  const ruleset = nodeWith(dumps);
  const trace = simulate(ruleset, packetOf(ruleset, NODE_PORT));
  return trace.outcomes.map((outcome) => outcomeText(trace, outcome));
};

/** `10.244.1.64:8080 3`: a server with its weight. */
const service = (head: string, at: string, ...servers: readonly string[]): string =>
  saved(
    `-A ${at} -s ${head}`,
    ...servers.map((text) => {
      const [server = '', weight = ''] = text.split(' ');
      return `-a ${at} -r ${server} -m -w ${weight}`;
    }),
  );

const sent = (share: string, to: string): string => `${share} delivered ${to} from 203.0.113.7 connects`;

describe('the server that IPVS chooses', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'a hash of the source stands for servers without a weight too, and who comes upon them gets none',
      service('sh', AT, '10.244.1.64:8080 0', '10.244.1.66:8080 3'),
      [sent('3/4', '10.244.1.66:8080'), '1/4 rejected refused'],
    ],
    [
      'with sh-fallback another one takes its place',
      service('sh -b sh-fallback', AT, '10.244.1.64:8080 0', '10.244.1.66:8080 3'),
      [sent('always', '10.244.1.66:8080')],
    ],
    [
      'a hash of the destination knows no weights',
      service('dh', AT, '10.244.1.64:8080 0', '10.244.1.66:8080 3'),
      [sent('1/2', '10.244.1.66:8080'), '1/2 rejected refused'],
    ],
    [
      'of several with the highest weight it is the one that was added last, which no dump tells',
      service('fo', AT, '10.244.1.64:8080 3', '10.244.1.66:8080 1', '10.244.1.99:8080 3'),
      [sent('1/2', '10.244.1.64:8080'), sent('1/2', '10.244.1.99:8080')],
    ],
    [
      'where connections overflow to the next server, and nobody tells how many there are, each may be meant, or none',
      service('ovf', AT, '10.244.1.64:8080 2', '10.244.1.66:8080 1'),
      [
        '? delivered 10.244.1.64:8080 from 203.0.113.7 connects match   policy true',
        '? delivered 10.244.1.64:8080 from 203.0.113.7 connects match   policy false',
        '? delivered 10.244.1.66:8080 from 203.0.113.7 connects match   policy false',
        '? rejected refused match   policy false',
      ],
    ],
    [
      'where it is known how many connections there are, they go to the first that has room',
      `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.10:30001 ovf
  -> 10.244.1.64:8080             Masq    2      3          0
  -> 10.244.1.66:8080             Masq    1      1          0
`,
      [sent('always', '10.244.1.66:8080')],
    ],
    [
      'a server at port 0 gets the packet at the port that it has',
      service('rr', AT, '10.244.1.64:0 1'),
      [sent('always', '10.244.1.64:30001')],
    ],
    [
      'a service of every port leaves the packet its port, whatever its server says',
      service('rr -p 10800', '-t 192.0.2.10:0', '10.244.1.64:8080 1'),
      [sent('always', '10.244.1.64:30001')],
    ],
  ];
  for (const [name, text, expected] of cases)
    test(name, () => assert.deepEqual(outcomes({ 'ipvsadm-Sn.txt': text }), expected));
});

describe('packets that IPVS has', () => {
  const ONE = service('rr', AT, '10.244.1.64:8080 1');
  const MARKED = savedTables({ mangle: ['-A PREROUTING -j MARK --set-xmark 0x100/0x100'] });

  const UNREACHABLE = {
    'ip-rule.txt':
      '0: from all lookup local\n1000: from all fwmark 0x100/0x100 unreachable\n32766: from all lookup main\n',
  };

  test('their mark does not choose their route', () =>
    assert.deepEqual(outcomes({ 'ipvsadm-Sn.txt': ONE, 'save.txt': MARKED, ...UNREACHABLE }), [
      sent('always', '10.244.1.64:8080'),
    ]));

  test('their mark chooses it where the tracker rewrites: it routes them again', () => {
    const rules = savedTables({ mangle: ['-A PREROUTING -j MARK --set-xmark 0x100/0x100'], nat: [] });
    assert.deepEqual(outcomes({ 'ipvsadm-Sn.txt': ONE, 'save.txt': rules, ...UNREACHABLE }), [
      'always unroutable host-unreachable',
    ]);
  });

  for (const [six, expected] of [
    [false, sent('always', '10.244.1.66:30001')],
    [true, sent('always', '10.244.1.64:8080')],
  ] as const)
    test(`a service by mark takes packets of its own family only: IPv${six ? 6 : 4}`, () => {
      const family = six ? ' -6' : '';
      const byMark = saved(
        `-A -f 256${family} -s rr`,
        `-a -f 256${family} -r ${six ? '[fd00::66]' : '10.244.1.66'}:0 -m -w 1`,
      );
      assert.deepEqual(outcomes({ 'ipvsadm-Sn.txt': ONE + byMark, 'save.txt': MARKED }), [expected]);
    });

  for (const [server, expected] of [
    ['10.244.1.64', 'always dropped timeout'],
    ['192.0.2.10', 'always delivered 192.0.2.10:30001 from 203.0.113.7 refused'],
  ] as const)
    test(`their time to live is less by one where they go on, not where this node is the server: ${server}`, () => {
      const rules = `table ip t {
        chain post { type filter hook postrouting priority 0; ip ttl < 64 drop; }
        chain in { type filter hook input priority 200; ip ttl < 64 drop; }
      }`;
      const text = saved(`-A ${AT} -s rr`, `-a ${AT} -r ${server}:30001 -g -w 1`);
      assert.deepEqual(outcomes({ 'ipvsadm-Sn.txt': text, 'rules.nft': rules }), [expected]);
    });

  test('what was invalid stays so without net.ipv4.vs.conntrack', () => {
    const ruleset = nodeWith({
      'ipvsadm-Sn.txt': ONE,
      'sysctl.txt': 'net.ipv4.ip_forward = 1\nnet.ipv4.vs.conntrack = 0\n',
      'rules.nft': 'table ip t { chain post { type filter hook postrouting priority 0; ct state untracked drop; }; }',
    });
    const results = (['new', 'invalid'] as const).map((state) => {
      const trace = simulate(ruleset, packetOf(ruleset, NODE_PORT, state));
      return trace.outcomes.map(({ result }) => result);
    });
    assert.deepEqual(results, [['dropped'], ['delivered']]);
  });

  const SETTINGS = 'net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.eth0.rp_filter = 0\n';
  for (const [conntrack, how, from] of [
    [0, '-g', '203.0.113.7'],
    [1, '-g', '10.244.1.1'],
    [0, '-m', '203.0.113.7'],
    [1, '-m', '10.244.1.1'],
  ] as const)
    test(`with net.ipv4.vs.conntrack = ${conntrack} a masquerade rule ${conntrack === 0 ? 'is not asked' : 'is asked'}: ${how}`, () => {
      const [outcome = ''] = outcomes({
        'ipvsadm-Sn.txt': saved(`-A ${AT} -s rr`, `-a ${AT} -r 10.244.1.64:30001 ${how} -w 1`),
        'sysctl.txt': `${SETTINGS}net.ipv4.vs.conntrack = ${conntrack}\n`,
        'save.txt': savedTables({ nat: ['-A POSTROUTING -j MASQUERADE'] }),
      });
      assert.ok(outcome.includes(` from ${from} `), outcome);
    });
});
