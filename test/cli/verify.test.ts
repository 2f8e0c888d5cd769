import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CLIENT, makeMachine, noMachines, serve, type Machine } from '../support/command-line.ts';

const HOLDS = /^in force and proven: the kernel's own listing says the same for all 2\^32 \+ 2\^128 addresses/;
const ALL_BUT_CLIENT = 'everyone but 192\\.0\\.2\\.20';

describe('portcullis verify', { skip: noMachines() }, () => {
  let machine: Machine;
  let set = '';
  before(async () => {
    machine = await makeMachine('verify');
    machine.write(
      'policy.yaml',
      `apiVersion: portcullis.dev/v1alpha1
kind: ClusterNodePortPolicy
metadata: { name: web }
spec:
  tier: Admin
  priority: 10
  subject: { ports: [30001/tcp] }
  rules:
    - { action: Accept, from: [{ cidr: ${CLIENT}/32 }, { cidr: 192.0.2.24/32 }, { cidr: 192.0.2.26/32 }, { cidr: 198.51.100.0/28 }] }
    - { action: Deny, from: [{ everyone: true }] }
`,
    );
    await serve(machine, 30_001);
    const { status, err } = await machine.cli('apply', '-f', 'policy.yaml');
    assert.equal(status, 0, err);
  });
  after(() => machine.close());

  const setNow = async (): Promise<string> => {
    const found = /set (s-web\S*-4\S*) \{\n(?:(?!\n\t\}).)*elements/s.exec(
      await machine.run('nft', 'list', 'table', 'inet', 'portcullis'),
    );
    return found?.[1] ?? '';
  };

  test('what apply has done holds', async () => {
    const { status, out, err } = await machine.cli('verify');
    assert.deepEqual([status, err], [0, '']);
    assert.match(out, HOLDS);
  });

  // TABLE stands for the own table, SET for the set that holds the addresses.
  const damages: [what: string, nft: string, sign: '+' | '-', sources: string, because: string][] = [
    [
      'an accept in front of everything',
      'insert rule TABLE prerouting accept',
      '+',
      `${ALL_BUT_CLIENT}.*`,
      'prerouting rule 1',
    ],
    ...['numgen random', 'numgen inc', 'jhash ip saddr', 'symhash'].map(
      (how): [string, string, '+', string, string] => [
        `verdicts by ${how} in front`,
        `insert rule TABLE prerouting ${how} mod 2 vmap { 0 : accept, 1 : accept }`,
        '+',
        how === 'jhash ip saddr' ? '.*' : `${ALL_BUT_CLIENT}.*`,
        'prerouting rule 1',
      ],
    ),
    [
      'an accept for some in front',
      'insert rule TABLE prerouting ip saddr 203.0.113.0/24 tcp dport 30000-30005 accept',
      '+',
      '203\\.0\\.113\\.0/24',
      'prerouting rule 1',
    ],
    [
      'an accept in the chain of the port',
      'insert rule TABLE x-30001 ip6 saddr 2001:db8::/32 accept',
      '+',
      '2001:db8::/32',
      'x-30001 rule 1',
    ],
    [
      'a drop of somebody who is let in',
      `insert rule TABLE x-30001 ip saddr ${CLIENT} drop`,
      '-',
      '192\\.0\\.2\\.20',
      'x-30001 rule 1',
    ],
    ['an element too many', 'add element TABLE SET { 203.0.113.7 }', '+', '203\\.0\\.113\\.7', 's-web\\S* rule 1'],
    ['an element deleted', `delete element TABLE SET { ${CLIENT} }`, '-', '192\\.0\\.2\\.20', 'refuse-drop rule 2'],
    [
      'the port deleted from the map',
      'delete element TABLE exposures { tcp . 30001 }',
      '+',
      `${ALL_BUT_CLIENT}.*`,
      'prerouting policy',
    ],
    [
      'a port that no policy names',
      'add element TABLE exposures { tcp . 30005 : drop }',
      '-',
      'everyone',
      'prerouting rule 5',
    ],
    ['the verdict taken away', 'flush chain TABLE refuse-drop', '+', `${ALL_BUT_CLIENT}.*`, 'prerouting policy'],
    ['the table deleted', 'delete table TABLE', '+', `${ALL_BUT_CLIENT}.*`, 'there is no table inet portcullis'],
    [
      'the table put to sleep',
      'add table TABLE { flags dormant; }',
      '+',
      `${ALL_BUT_CLIENT}.*`,
      'the table has a flag .*dormant.*',
    ],
    [
      'a base chain of somebody else',
      'add chain TABLE foreign { type filter hook prerouting priority -300; }; add rule TABLE foreign tcp dport 30001 drop',
      '+',
      `${ALL_BUT_CLIENT}.*`,
      'there is a base chain that is not ours: foreign',
    ],
    [
      'the base chain at another priority',
      'flush chain TABLE prerouting; delete chain TABLE prerouting; add chain TABLE prerouting { type filter hook prerouting priority 0; }',
      '+',
      `${ALL_BUT_CLIENT}.*`,
      'the base chain prerouting is attached elsewhere: .*',
    ],
    [
      'the base chain unhooked',
      'flush chain TABLE prerouting; delete chain TABLE prerouting; add chain TABLE prerouting',
      '+',
      `${ALL_BUT_CLIENT}.*`,
      'the base chain prerouting is missing',
    ],
    [
      'another policy of the base chain',
      'chain TABLE prerouting { policy drop; }',
      '+',
      `${ALL_BUT_CLIENT}.*`,
      'the base chain prerouting is attached elsewhere: .*policy drop',
    ],
  ];
  for (const [what, nft, sign, sources, because] of damages)
    test(`${what}: who ${sign === '+' ? 'gained' : 'lost'} the port and by which rule; apply heals it`, async () => {
      set = await setNow();
      await machine.nft(nft.replaceAll('TABLE', 'inet portcullis').replaceAll('SET', set));
      const broken = await machine.cli('verify');
      assert.equal(broken.status, 1, broken.err);
      assert.match(
        broken.out,
        new RegExp(`^3000[15]/tcp {2}\\${sign} {2}${sources} {2}${because}\\nNOT as the policies say: 1 difference `),
      );
      const healed = await machine.cli('apply', '-f', 'policy.yaml');
      assert.equal(healed.status, 0, `${healed.out}${healed.err}`);
      assert.match(healed.out, /^nothing changes, 1 guarded exposure stays\nin force and proven: /);
    });

  test('after all that was healed it holds', async () => {
    assert.match((await machine.cli('verify')).out, HOLDS);
  });

  describe('--node looks at all rules of the node', () => {
    const NODE_HOLDS = /^in force and proven: .*, and nothing else on this node opens or closes the guarded exposure$/m;
    const FOREIGN =
      'add table inet foreign; add chain inet foreign pre { type filter hook prerouting priority -200; };';

    // What somebody else's table does before the own one judges, and how that is told.
    const foreign: [what: string, rules: string, told: RegExp][] = [
      ['nothing', '', NODE_HOLDS],
      [
        'it drops a source that may not come in anyway',
        'add rule inet foreign pre ip saddr 203.0.113.9 drop',
        NODE_HOLDS,
      ],
      [
        'it drops some who may come in',
        'add rule inet foreign pre ip saddr 198.51.100.0/29 tcp dport 30001 drop',
        /^30001\/tcp {2}- {2}198\.51\.100\.0\/29 {2}inet foreign pre 1\nNOT as the policies say: 1 difference .* what this node really does$/m,
      ],
      [
        'it drops now and then',
        `add rule inet foreign pre ip saddr ${CLIENT} limit rate 1/second drop`,
        /^30001\/tcp {2}- {2}192\.0\.2\.20 {2}inet foreign pre 1\n/m,
      ],
      [
        'it sends the port elsewhere',
        'add chain inet foreign nat { type nat hook prerouting priority -100; }; add rule inet foreign nat tcp dport 30001 redirect to :9',
        /^30001\/tcp {2}- {2}192\.0\.2\.20, 192\.0\.2\.24, 192\.0\.2\.26, 198\.51\.100\.0\/28 {2}inet foreign nat 1\n/m,
      ],
    ];
    for (const [what, rules, told] of foreign)
      test(`${what}; the own table holds all the same`, async () => {
        await machine.nft(`${FOREIGN} ${rules}`);
        const whole = await machine.cli('verify', '--node');
        const own = await machine.cli('verify');
        await machine.nft('delete table inet foreign');
        assert.match(whole.out, told);
        assert.equal(whole.status, told === NODE_HOLDS ? 0 : 1);
        assert.match(own.out, HOLDS);
      });

    test('-f looks at all of it too, and a snapshot tells the same as the live node', async () => {
      await machine.nft(`${FOREIGN} add rule inet foreign pre ip saddr 198.51.100.4 drop`);
      const live = await machine.cli('verify', '-f', 'policy.yaml');
      const { status } = await machine.cli('snapshot', '-o', 'node.json');
      assert.equal(status, 0);
      await machine.nft('delete table inet foreign');
      const taken = await machine.cli('verify', '-f', 'policy.yaml', '--snapshot', 'node.json');
      assert.equal(taken.out, live.out);
      assert.deepEqual([live.status, taken.status], [1, 1]);
      assert.match(live.out, /^30001\/tcp {2}- {2}198\.51\.100\.4 {2}inet foreign pre 1\n/);
    });
  });

  test('-f compares with other policies than the applied ones', async () => {
    machine.write(
      'other.yaml',
      'apiVersion: portcullis.dev/v1alpha1\nkind: ClusterNodePortPolicy\nmetadata: { name: web }\nspec: { tier: Admin, priority: 10, subject: { ports: [30001/tcp] }, rules: [{ action: Deny, from: [{ cidr: 198.51.100.0/28 }] }] }\n',
    );
    const { status, out } = await machine.cli('verify', '-f', 'other.yaml');
    assert.equal(status, 1);
    assert.match(
      out,
      /^30001\/tcp {2}\+ {2}198\.51\.100\.0\/28 {2}.*\n {11}- {2}everyone but .*\nNOT as the policies say: 1 difference /,
    );
  });

  test('-o json holds the differences as prefixes', async () => {
    await machine.nft('insert rule inet portcullis x-30001 ip saddr 203.0.113.0/24 accept');
    const { status, out } = await machine.cli('verify', '-o', 'json');
    assert.equal(status, 1);
    assert.deepEqual(JSON.parse(out), {
      apiVersion: 'portcullis.dev/v1alpha1',
      kind: 'Verification',
      holds: false,
      exposures: 1,
      differences: [
        {
          exposure: '30001/tcp',
          gained: { ipv4: ['203.0.113.0/24'], ipv6: [] },
          lost: { ipv4: [], ipv6: [] },
          because: ['x-30001 rule 1'],
        },
      ],
    });
  });

  test('status tells the same, and ends with 1', async () => {
    const { status, out } = await machine.cli('status');
    assert.equal(status, 1);
    assert.match(out, /^30001\/tcp {2}\+ {2}203\.0\.113\.0\/24 {2}x-30001 rule 1\nNOT as the policies say/m);
  });
});
