import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import {
  CLIENT,
  connect,
  makeMachine,
  noMachines,
  OTHER_CLIENT,
  runProgram,
  serve,
  stayConnected,
  type Machine,
} from '../support/command-line.ts';

const SESSION = { SSH_CONNECTION: `${CLIENT} 50022 192.0.2.10 30001` };
const OWN_SESSION =
  /^error: this would refuse 192\.0\.2\.20, the peer of your own SSH session \(port 30001, guarded as 30001\/tcp\)\n {2}Let that address in, or say --yes-cut-me-off\nnothing was changed\n$/;

/** Waits until something is true; the time is a bound for a machine that hangs, no measurement. */
const until = async (what: string, isTrue: () => Promise<boolean> | boolean): Promise<void> => {
  for (let tries = 0; tries < 300; tries++) {
    if (await isTrue()) return;
    await sleep(100);
  }
  assert.fail(`this did not happen: ${what}`);
};

describe('never locked out', { skip: noMachines() }, () => {
  let machine: Machine;
  before(async () => {
    machine = await makeMachine('lockout');
    await serve(machine, 30001);
  });
  afterEach(async () => {
    // Quicker than remove; a process that watches over a change ends when its file is gone.
    rmSync(machine.stateDirectory, { recursive: true, force: true });
    await machine.nft('add table inet portcullis; delete table inet portcullis');
  });
  after(() => machine.close());

  const restrictToOther = ['restrict', '30001', '--from', OTHER_CLIENT];
  const pendingFile = () => join(machine.stateDirectory, 'pending.json');
  const isTakenBack = () => until('the change is taken back', () => !existsSync(pendingFile()));

  test('a change that would refuse the peer of the SSH session is refused', async () => {
    const { status, out, err } = await machine.cliWith({ env: SESSION }, ...restrictToOther);
    assert.deepEqual([status, out], [2, '']);
    assert.match(err, OWN_SESSION);
    assert.doesNotMatch(await machine.rules(), /portcullis/);
  });

  test('a dry run says that a real one would stop', async () => {
    const { status, err } = await machine.cliWith({ env: SESSION }, ...restrictToOther, '--dry-run');
    assert.equal(status, 0);
    assert.match(
      err,
      /^warning: a real run would stop here: this would refuse 192\.0\.2\.20, the peer of your own SSH session/,
    );
  });

  test('--yes-cut-me-off goes on', async () => {
    const { status } = await machine.cliWith({ env: SESSION }, ...restrictToOther, '--yes-cut-me-off');
    assert.equal(status, 0);
    assert.equal(await connect(machine, CLIENT, 30001), 'silence');
  });

  test('a session whose peer is let in is no obstacle', async () => {
    const { status } = await machine.cliWith({ env: SESSION }, 'restrict', '30001', '--from', CLIENT);
    assert.equal(status, 0);
  });

  test('sudo takes SSH_CONNECTION away, but the shell above still has it', async () => {
    const before = ['sh', '-c', 'env -u SSH_CONNECTION "$@"; exit $?', 'sh'];
    const { status, err } = await machine.cliWith({ env: SESSION, before }, ...restrictToOther);
    assert.equal(status, 2);
    assert.match(err, OWN_SESSION);
  });

  test('--confirm-within: the change is taken back by itself', async () => {
    const { status, out } = await machine.cli(...restrictToOther, '--confirm-within', '3s');
    assert.equal(status, 0);
    assert.match(out, /\ntaken back in 3 s unless you run: portcullis confirm\n$/);
    await isTakenBack();
    assert.equal(await connect(machine, CLIENT, 30001), 'connected');
    await until('the table is gone', async () => !(await machine.rules()).includes('portcullis'));
  });

  test('what comes back is what was in force before', async () => {
    await machine.cli('restrict', '30001', '--from', CLIENT);
    await machine.cli(...restrictToOther, '--confirm-within', '3s');
    await isTakenBack();
    assert.equal(await connect(machine, CLIENT, 30001), 'connected');
    assert.equal(await connect(machine, OTHER_CLIENT, 30001), 'silence');
    assert.equal((await machine.cli('verify')).status, 0);
  });

  test('confirm keeps the change', async () => {
    await machine.cli(...restrictToOther, '--confirm-within', '60s');
    assert.match(
      (await machine.cli('status')).out,
      /^a change is taken back in \d+ s unless you run: portcullis confirm$/m,
    );
    const { status, out } = await machine.cli('confirm');
    assert.deepEqual([status, out], [0, 'confirmed: the change stays\n']);
    assert.equal(await connect(machine, CLIENT, 30001), 'silence');
    await until(
      'nobody watches any more',
      async () =>
        (await machine.run('pgrep', '-fc', pendingFile().replace('/pending.json', '')).catch(() => '0')).trim() === '0',
    );
  });

  test('confirm without a change that waits says so and ends with 1', async () => {
    const { status, err } = await machine.cli('confirm');
    assert.deepEqual(
      [status, err],
      [1, 'no change waits for a confirmation: it was confirmed, or has been taken back\n'],
    );
  });

  test('a second change is refused while one waits', async () => {
    await machine.cli(...restrictToOther, '--confirm-within', '60s');
    const { status, err } = await machine.cli('restrict', '30002', '--from', CLIENT);
    assert.equal(status, 2);
    assert.match(
      err,
      /^error: an earlier change still waits to be confirmed\n {2}portcullis confirm keeps it; else it is taken back in \d+ s\nnothing was changed\n$/,
    );
  });

  test('kill -9 of the command and the loss of its terminal do not keep the change', async () => {
    await machine.cli('restrict', '30001', '--from', CLIENT);
    // script(1) gives a terminal of its own to a shell, which runs the command; both are killed as soon as the change
    // is in force.
    const [program = '', ...words] = machine.command({}, ...restrictToOther, '--confirm-within', '4s');
    const line = [program, ...words].map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      stdio: ['ignore', 'ignore', 'ignore'],
      detached: true,
      env: { ...process.env, PORTCULLIS_STATE_DIR: machine.stateDirectory, SSH_CONNECTION: '' },
    });
    // Looked for first: a second after the change is in force the command sweeps, and ends.
    const pids: number[] = [];
    await until('the command runs', async () => {
      const found = await machine.run('pgrep', '-f', 'portcullis.js restrict 30001').catch(() => '');
      for (const pid of found.split('\n').filter(Boolean).map(Number)) if (await runsHere(machine, pid)) pids.push(pid);
      return pids.length > 0;
    });
    await until(
      'the change is in force',
      async () => existsSync(pendingFile()) && (await machine.rules()).includes(OTHER_CLIENT),
    );
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await isTakenBack();
    assert.equal(await connect(machine, CLIENT, 30001), 'connected');
    assert.equal(await connect(machine, OTHER_CLIENT, 30001), 'silence');
    assert.equal((await machine.cli('verify')).status, 0);
  });

  test('on a terminal a change waits 60 s when it cuts a connection of the own host', async () => {
    const connection = await stayConnected(machine, CLIENT, 30001);
    const session = { SSH_CONNECTION: `${CLIENT} 50022 192.0.2.10 22` };
    const plain = await machine.cliWith({ env: session }, ...restrictToOther, '--dry-run', '-o', 'json');
    assert.equal((JSON.parse(plain.out) as { confirmWithinMs: unknown }).confirmWithinMs, null);
    const line = machine
      .command({}, ...restrictToOther)
      .map((word) => `'${word}'`)
      .join(' ');
    const { out } = await runProgram(['script', '-qec', line, '/dev/null'], {
      env: { ...session, PORTCULLIS_STATE_DIR: machine.stateDirectory, TERM: 'dumb' },
    });
    assert.match(out, /cut now +1 connection: 192\.0\.2\.20 \(1\)/);
    assert.match(out, /taken back in 60 s unless you run: portcullis confirm/);
    connection.close();
  });

  test('a change that the kernel refuses leaves the one before in force', async () => {
    await machine.cli('restrict', '30001', '--from', CLIENT);
    const before = [
      'sh',
      '-c',
      'PATH="$0:$PATH" exec "$@"',
      machine
        .write(
          'bin/nft',
          '#!/bin/sh\nfor word; do test "$word" = -f && { echo "out of memory" >&2; exit 1; }; done\nexec /usr/sbin/nft "$@"\n',
        )
        .replace('/nft', ''),
    ];
    await machine.run('chmod', '755', join(machine.folder, 'bin/nft'));
    const { status, err } = await machine.cliWith(
      { before },
      'restrict',
      '30001',
      '--from',
      OTHER_CLIENT,
      '--confirm-within',
      '60s',
    );
    assert.equal(status, 3);
    assert.match(err, /^error: the kernel refused a transaction: out of memory\n/);
    assert.ok(!existsSync(pendingFile()));
    assert.equal(await connect(machine, CLIENT, 30001), 'connected');
    assert.match((await machine.cli('status')).out, /restrict-30001 +192\.0\.2\.20 /);
  });
});

const runsHere = async ({ namespace }: Machine, pid: number): Promise<boolean> =>
  (await runProgram(['ip', 'netns', 'identify', String(pid)])).out.trim() === namespace;
