import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  connect,
  CLIENT,
  makeMachine,
  noMachines,
  OTHER_CLIENT,
  runProgram,
  type Machine,
} from '../support/command-line.ts';

describe('portcullis denied and render', { skip: noMachines() }, () => {
  let machine: Machine;
  before(async () => {
    machine = await makeMachine('denied');
  });
  after(() => machine.close());

  test('where nothing is guarded nobody was refused', async () => {
    const { status, out, err } = await machine.cli('denied');
    assert.deepEqual([status, out, err], [0, '', 'nothing is guarded on this node\n']);
  });

  test('denied names who was refused where, how often and when last', async () => {
    await machine.cli('restrict', '30001-30002', '--from', CLIENT);
    assert.equal((await machine.cli('denied')).out, 'nobody was refused lately\n');
    assert.equal(await connect(machine, OTHER_CLIENT, 30001), 'silence');
    assert.equal(await connect(machine, '2001:db8:2::20', 30002), 'silence');
    const { status, out } = await machine.cli('denied');
    assert.equal(status, 0);
    const [head, ...rows] = out.trimEnd().split('\n');
    assert.match(head ?? '', /^WHO +WHERE +PACKETS {2}LAST$/);
    assert.match(rows.join('\n'), /^192\.0\.2\.21 +192\.0\.2\.10:30001\/tcp +\d+ {2}\d+ s ago$/m);
    assert.match(rows.join('\n'), /^2001:db8:2::20 +\[2001:db8:2::10\]:30002\/tcp +\d+ {2}\d+ s ago$/m);
    assert.equal(rows.length, 2);
  });

  test('a client that is let in is not in it', async () => {
    assert.equal(await connect(machine, CLIENT, 30002), 'rejected', 'by the host itself: nothing listens there');
    assert.doesNotMatch((await machine.cli('denied')).out, /192\.0\.2\.20/);
  });

  test('a full ledger says so, and how many packets it could not note', async () => {
    // The same table with room for two: what a flood of spoofed sources does to one of 65,536.
    const small = (await machine.run('nft', 'list', 'table', 'inet', 'portcullis'))
      .replace(/(set ledger4 \{\n(?:(?!\n\t\}).)*?)size 65536/s, '$1size 2')
      .replace(/,?\s*elements = \{[^}]*expires[^}]*\}/gs, '');
    await machine.nft('delete table inet portcullis');
    machine.write('small.nft', small);
    await machine.run('nft', '-f', `${machine.folder}/small.nft`);
    for (const port of [30001, 30002])
      for (const source of [OTHER_CLIENT, '192.0.2.22']) {
        if (port === 30001 && source === '192.0.2.22')
          await runProgram(['ip', '-n', machine.clientNamespace, 'addr', 'add', '192.0.2.22/24', 'dev', 'eth0']);
        assert.equal(await connect(machine, source, port), 'silence');
      }
    const { status, out } = await machine.cli('denied');
    assert.equal(status, 0);
    assert.match(out, /\nthe ledger was full \(2 entries per family\): [1-9]\d* refused packets are not in it\n$/);
    const { full, size } = JSON.parse((await machine.cli('denied', '-o', 'json')).out) as {
      full: boolean;
      size: number;
    };
    assert.deepEqual([full, size], [true, 2]);
  });

  test('nft takes what render prints', async () => {
    const { status, out } = await machine.cli('render');
    assert.equal(status, 0);
    const checked = await runProgram(['ip', 'netns', 'exec', machine.clientNamespace, 'nft', '-c', '-f', '-'], {
      stdin: out,
    });
    assert.deepEqual([checked.status, checked.err], [0, '']);
  });

  for (const [family, restore] of [
    ['ipv4', 'iptables-restore'],
    ['ipv6', 'ip6tables-restore'],
  ] as const)
    test(`${restore} takes the classic rules that render prints for ${family}`, async () => {
      const { status, out } = await machine.cli('render', '--style', 'redirect', '--family', family);
      assert.equal(status, 0);
      assert.match(out, new RegExp(`^# ${restore} --noflush\\n(# .*\\n)*# Where they hold, and where not`));
      assert.match(out, /^-A PORTCULLIS-\S+ -p \w+ -j REDIRECT --to-ports 65535$/m);
      const checked = await runProgram(
        ['ip', 'netns', 'exec', machine.clientNamespace, restore, '--test', '--noflush'],
        { stdin: out },
      );
      assert.equal(checked.status, 0, checked.err);
    });

  test('render -f prints what would be loaded, and loads nothing', async () => {
    const before = await machine.rules();
    machine.write(
      'web.yaml',
      'apiVersion: portcullis.dev/v1alpha1\nkind: ClusterNodePortPolicy\nmetadata: { name: web }\nspec: { tier: Admin, priority: 10, subject: { ports: [30500/tcp] }, rules: [{ action: Deny, from: [{ cidr: 203.0.113.0/24 }] }] }\n',
    );
    const { status, out } = await machine.cli('render', '-f', 'web.yaml');
    assert.equal(status, 0);
    assert.match(out, /30500/);
    assert.equal(await machine.rules(), before);
    const wrong = await machine.cli('render', '-f', 'nowhere.yaml');
    assert.deepEqual([wrong.status, wrong.out], [2, '']);
  });
});
