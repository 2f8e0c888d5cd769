import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import {
  CLIENT,
  connect,
  makeMachine,
  noMachines,
  OTHER_CLIENT,
  serve,
  type Machine,
} from '../support/command-line.ts';

describe('the stored state', { skip: noMachines() }, () => {
  let machine: Machine;
  const stateFile = () => join(machine.stateDirectory, 'state.json');
  const restrict = () => machine.cli('restrict', '30001', '--from', CLIENT);
  /** What a reboot leaves: files, and no rules. */
  const reboot = () => machine.nft('delete table inet portcullis');

  before(async () => {
    machine = await makeMachine('state');
    await serve(machine, 30001);
    machine.write(
      'nobody.yaml',
      'apiVersion: portcullis.dev/v1alpha1\nkind: ClusterNodePortPolicy\nmetadata: { name: nobody }\nspec: { tier: Admin, priority: 10, subject: { ports: [30001/tcp] }, rules: [{ action: Deny, from: [{ everyone: true }] }] }\n',
    );
  });
  afterEach(async () => {
    rmSync(machine.stateDirectory, { recursive: true, force: true });
    await machine.nft('add table inet portcullis; delete table inet portcullis');
  });
  after(() => machine.close());

  test('it is one file that only its owner may read, in a directory that only its owner may enter', async () => {
    await restrict();
    assert.deepEqual(readdirSync(machine.stateDirectory), ['state.json']);
    assert.deepEqual(
      [statSync(stateFile()).mode & 0o777, statSync(machine.stateDirectory).mode & 0o777],
      [0o600, 0o700],
    );
    const { version, access } = JSON.parse(readFileSync(stateFile(), 'utf8')) as {
      version: number;
      access: { exposures: unknown[] };
    };
    assert.deepEqual([version, access.exposures.length], [1, 3]);
  });

  test('five changes at once all succeed, one after the other', async () => {
    const ports = [30001, 30002, 30003, 30004, 30005].map(String);
    const runs = await Promise.all(ports.map((port) => machine.cli('restrict', port, '--from', CLIENT)));
    assert.deepEqual(
      runs.map(({ status, err }) => [status, err]),
      ports.map(() => [0, '']),
    );
    const { out } = await machine.cli('status');
    for (const port of ports)
      assert.match(out, new RegExp(`^${port}/tcp,udp,sctp +- +restrict-${port} +192\\.0\\.2\\.20 `, 'm'));
    assert.match(out, /\nin force and proven: /);
    assert.deepEqual(readdirSync(machine.stateDirectory), ['state.json']);
  });

  test('a lock whose holder is dead holds nobody up', async () => {
    await restrict();
    writeFileSync(join(machine.stateDirectory, 'lock'), '999999 1\n');
    assert.equal((await machine.cli('restrict', '30002', '--from', CLIENT)).status, 0);
  });

  test('after a reboot status and verify say what is missing, and restore puts it back', async () => {
    await restrict();
    await reboot();
    for (const verb of ['status', 'verify']) {
      const { status, out, err } = await machine.cli(verb);
      assert.equal(status, 1);
      assert.match(
        err,
        /^the kernel holds no rules of ours, as after a reboot; they are put back by: portcullis restore\n$/,
      );
      assert.match(out, /there is no table inet portcullis/);
    }
    const { status, out } = await machine.cli('restore');
    assert.equal(status, 0);
    assert.match(out, /^in force and proven: /);
    assert.equal(await connect(machine, OTHER_CLIENT, 30001), 'silence');
  });

  test('restore takes back a change that nobody had confirmed before the reboot', async () => {
    await restrict();
    await machine.cli('restrict', '30001', '--from', OTHER_CLIENT, '--confirm-within', '60s');
    const pending = join(machine.stateDirectory, 'pending.json');
    const file = JSON.parse(readFileSync(pending, 'utf8')) as object;
    writeFileSync(pending, JSON.stringify({ ...file, id: 'before the reboot', deadline: 1 }));
    await reboot();
    const { status, err } = await machine.cli('restore');
    assert.deepEqual([status, err], [0, 'a change that nobody had confirmed in time is taken back\n']);
    assert.equal(await connect(machine, CLIENT, 30001), 'connected');
    assert.equal((await machine.cli('confirm')).status, 1);
  });

  test('restore where nothing is stored changes nothing', async () => {
    const { status, out, err } = await machine.cli('restore');
    assert.deepEqual([status, out, err], [0, '', 'nothing is stored that could be put back\n']);
  });

  const damages: [what: string, text: string][] = [
    ['half a file', '{"version":1,"state":{"sou'],
    ['another form', '{"version":1,"state":{"sources":"none"}}'],
    ['nothing', ''],
    ['bytes', '\u0000\u0001\u0002'],
  ];
  for (const [what, text] of damages)
    test(`${what} in the file: a clear error, what is enforced stays`, async () => {
      await restrict();
      const before = await machine.rules();
      writeFileSync(stateFile(), text);
      for (const words of [
        ['status'],
        ['verify'],
        ['restore'],
        ['restrict', '30002', '--from', CLIENT],
        ['remove', '30001'],
      ]) {
        const { status, out, err } = await machine.cli(...words);
        assert.deepEqual([status, out], [3, ''], words.join(' '));
        assert.match(
          err,
          /^error: \S+state\.json is damaged\n {2}What is enforced stays so; write it anew with: portcullis apply -f FILES\n/,
        );
      }
      assert.equal(await machine.rules(), before);
    });

  test('apply -f writes a damaged state anew and says what is forgotten; remove clears it away', async () => {
    await restrict();
    writeFileSync(stateFile(), 'x');
    const { status, err } = await machine.cli('apply', '-f', 'nobody.yaml');
    assert.equal(status, 0);
    assert.match(
      err,
      /^warning: \S+state\.json is damaged: this starts anew, and earlier restrictions are forgotten\n/,
    );
    assert.equal(await connect(machine, CLIENT, 30001), 'silence');
    writeFileSync(stateFile(), 'x');
    assert.equal((await machine.cli('remove')).status, 0);
    assert.equal(await connect(machine, CLIENT, 30001), 'connected');
  });

  test('a file of a newer version is refused, also by apply; remove starts anew', async () => {
    await restrict();
    writeFileSync(stateFile(), '{"version":2,"state":{"new":true}}');
    for (const words of [['status'], ['apply', '-f', 'nobody.yaml']]) {
      const { status, err } = await machine.cli(...words);
      assert.equal(status, 3);
      assert.match(
        err,
        /^error: \S+state\.json was written by a newer portcullis\n {2}Use that version, or start anew with: portcullis remove\n/,
      );
    }
    assert.equal((await machine.cli('remove')).status, 0);
  });

  test('where the state cannot be stored the command says so and ends with 3', async () => {
    const { status, err } = await machine.cliWith(
      { env: { PORTCULLIS_STATE_DIR: `${machine.folder}/nobody.yaml/state` } },
      'restrict',
      '30001',
      '--from',
      CLIENT,
    );
    assert.equal(status, 3);
    assert.match(err, /^error: nothing can be stored in \S+nobody\.yaml\/state: ENOTDIR/);
    assert.match(err, /\nnothing was changed\n$/);
    assert.doesNotMatch(await machine.rules(), /portcullis/);
  });
});
