import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeWith } from '../../test/support/node-with.ts';
import { packetOf } from '../../test/support/packet-lines.ts';
import { readNftTraceLine } from './nft-trace.ts';
import { agreement } from './agreement.ts';
import { kernelHops } from './kernel-hops.ts';
import { simulate } from '../simulate/simulate.ts';

const RULES = `table inet t { # handle 1
  chain s { # handle 2
    tcp dport 30001 return # handle 4
    drop # handle 5
  }
  chain in { # handle 3
    type filter hook input priority 0; policy accept;
    counter # handle 6
    jump s # handle 7
  }
}
`;

const PACKET =
  'trace id 1 inet t in packet: iif "eth0" ip saddr 203.0.113.7 ip daddr 192.0.2.10 ip id 7 tcp sport 4000 tcp dport 30001 ';

const ruleset = nodeWith({ 'nft-list-ruleset.txt': RULES });
const trace = simulate(ruleset, packetOf(ruleset, '203.0.113.7 -> 192.0.2.10:30001/tcp in eth0'));

/** What the kernel told, behind the packet's number and the table. */
const agrees = (told: readonly string[]): boolean => {
  const events = [PACKET, ...told.map((text) => `trace id 1 inet t ${text}`)].map((line) => readNftTraceLine(line));
  return agreement(trace, kernelHops(events.filter((event) => event !== null))).agrees;
};

describe('the kernel’s trace and the simulation', () => {
  const cases: readonly (readonly [string, readonly string[], boolean])[] = [
    [
      'of rules with their handles',
      [
        'in rule counter # handle 6 (verdict continue)',
        'in rule jump s # handle 7 (verdict jump s)',
        's rule tcp dport 30001 return # handle 4 (verdict return)',
        'in policy accept ',
      ],
      true,
    ],
    [
      'of Linux 6.1, which does not say which rule returned',
      [
        'in rule counter # handle 6 (verdict continue)',
        'in rule jump s # handle 7 (verdict jump s)',
        's verdict return ',
        'in verdict continue ',
        'in policy accept ',
      ],
      true,
    ],
    [
      'of Linux 6.1, where a chain came to its end and no rule returned',
      [
        'in rule counter # handle 6 (verdict continue)',
        'in rule jump s # handle 7 (verdict jump s)',
        's verdict continue ',
        'in policy accept ',
      ],
      false,
    ],
    [
      'of another rule',
      [
        'in rule counter # handle 6 (verdict continue)',
        'in rule jump s # handle 7 (verdict jump s)',
        's rule drop # handle 5 (verdict drop)',
      ],
      false,
    ],
  ];
  for (const [name, told, expected] of cases)
    test(`${expected ? 'agree' : 'disagree'}: ${name}`, () => assert.equal(agrees(told), expected));
});

describe('a simulation that gave up on the way', () => {
  // Each rule may match or not, and each makes another packet: twice as many ways with each.
  const rules = Array.from({ length: 16 }, (_, bit) => `limit rate 1/second meta mark set meta mark or ${2 ** bit}`);
  const node = nodeWith({
    'rules.nft': `table inet t {
      chain early { type filter hook prerouting priority -150; counter }
      chain in { type filter hook input priority 0; ${rules.join('; ')}; meta mark 1 drop }
    }`,
  });
  const simulated = simulate(node, packetOf(node, '203.0.113.7 -> 192.0.2.10:30001/tcp in eth0'));
  const cases: readonly (readonly [string, readonly string[], boolean])[] = [
    ['agrees with whatever follows', ['accept', 'continue', 'drop'], true],
    ['differs by what came before', ['drop', 'continue', 'accept'], false],
  ];
  for (const [name, [early = '', rule = '', last = ''], agreed] of cases)
    test(name, () => {
      const told = [
        PACKET.replace(' in packet', ' early packet'),
        'trace id 1 inet t early rule counter # handle 4 (verdict continue)',
        `trace id 1 inet t early policy ${early} `,
        PACKET,
        `trace id 1 inet t in rule limit rate 1/second # handle 9 (verdict ${rule})`,
        `trace id 1 inet t in policy ${last} `,
      ];
      const events = told.map((line) => readNftTraceLine(line)).filter((event) => event !== null);
      const found = agreement(simulated, kernelHops(events));
      assert.deepEqual([found.agrees, found.agrees && found.gaveUp], [agreed, agreed]);
    });

  test('has no other end than unknown', () =>
    assert.deepEqual([...new Set(simulated.outcomes.map(({ result }) => result))], ['unknown']));
});
