import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CLIENT, makeMachine, noMachines, type Machine } from '../support/command-line.ts';

describe('a machine that cannot be guarded, or not to be relied upon', { skip: noMachines() }, () => {
  let machine: Machine;
  before(async () => {
    machine = await makeMachine('needs');
  });
  after(() => machine.close());

  const restrict = ['restrict', '40000/tcp', '--from', CLIENT];

  test('without CAP_NET_ADMIN', async () => {
    const before = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
    const { status, out, err } = await machine.cliWith({ before }, ...restrict);
    assert.deepEqual([status, out], [3, '']);
    assert.equal(
      err,
      'error: the rules of the kernel may be changed by root alone\n  Run it with sudo (it needs CAP_NET_ADMIN)\nnothing was changed\n',
    );
    const dry = await machine.cliWith({ before }, ...restrict, '--dry-run');
    assert.equal(dry.status, 0);
    assert.match(
      dry.err,
      /^warning: a real run would stop here: the rules of the kernel may be changed by root alone$/m,
    );
    const shown = await machine.cliWith({ before }, 'status');
    assert.equal(shown.status, 3);
    assert.match(shown.err, /^error: .*Operation not permitted/);
  });

  test('without nft', async () => {
    const { status, err } = await machine.cliWith({ before: ['env', 'PATH=/nowhere'] }, ...restrict);
    assert.equal(status, 3);
    assert.equal(
      err,
      'error: the program nft is not installed\n  apt-get install nftables, or dnf install nftables\nnothing was changed\n',
    );
  });

  test('with an nft that is too old', async () => {
    machine.write('old/nft', '#!/bin/sh\necho "nftables v0.9.8 (E.D.S.)"\n');
    await machine.run('chmod', '755', `${machine.folder}/old/nft`);
    const { status, err } = await machine.cliWith(
      { before: ['env', `PATH=${machine.folder}/old:/usr/sbin:/usr/bin`] },
      ...restrict,
    );
    assert.equal(status, 3);
    assert.match(err, /^error: nft 0\.9\.8 is too old\n {2}It must be 1\.0\.1 or newer\nnothing was changed\n$/);
  });

  test('a guarded port among those that the node uses itself: a warning', async () => {
    const { status, err } = await machine.cli(...restrict);
    assert.equal(status, 0);
    assert.match(
      err,
      /^warning: 40000\/tcp overlaps the ports that this node uses itself \(net\.ipv4\.ip_local_port_range \d+-\d+\)\n/,
    );
  });

  for (const [how, prepare, name] of [
    [
      'nft',
      [
        'nft',
        'add table ip raw; add chain ip raw PREROUTING { type filter hook prerouting priority -300; }; add rule ip raw PREROUTING udp dport 53 notrack',
      ],
      'ip raw PREROUTING',
    ],
    [
      'iptables-legacy',
      ['iptables-legacy', '-t', 'raw', '-A', 'OUTPUT', '-p', 'udp', '-j', 'CT', '--notrack'],
      'iptables-legacy raw OUTPUT',
    ],
  ] as const)
    test(`the same with notrack rules of ${how}: an error, because replies would be refused`, async () => {
      await machine.run(...prepare);
      const { status, err } = await machine.cli(...restrict);
      assert.equal(status, 2);
      assert.match(
        err,
        new RegExp(
          `^error: 40000/tcp overlaps .*, and (\\S+ \\S+ \\S+, )*${name} takes packets from connection tracking\\n  Replies to this node would be refused: `,
        ),
      );
      assert.match(err, /\nnothing was changed\n$/);
      if (how === 'nft') await machine.nft('delete table ip raw');
      else await machine.run('iptables-legacy', '-t', 'raw', '-F');
    });

  test('rules of both iptables flavours: a warning', async () => {
    await machine.run('iptables-legacy', '-A', 'INPUT', '-j', 'ACCEPT');
    await machine.run('iptables-nft', '-A', 'INPUT', '-j', 'ACCEPT');
    const { status, err } = await machine.cli(...restrict);
    assert.equal(status, 0);
    assert.match(err, /^warning: rules of both iptables flavours \(legacy and nft\) are in force on this node$/m);
    assert.match((await machine.cli('status')).err, /^warning: rules of both iptables flavours/m);
  });
});
