import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { builtProgram } from '../../src/lab/built.ts';
import { mustRun } from '../support/namespace.ts';
import { published } from '../support/publish.ts';

// The unit under a real systemd, started as the first process of a PID namespace in a virtual machine (rows.ts).

const SYSTEMD = '/lib/systemd/systemd';
const UNIT = fileURLToPath(new URL('../../deploy/systemd/portcullis.service', import.meta.url));
/** The service sees nothing below /tmp or a home. */
const PLACE = '/opt/portcullis';
const PROGRAM = '/usr/local/bin/portcullis';

test('the service puts the rules back, leaves them when it stops, and brings them back when it is restarted', async () => {
  for (const [folder, what] of [
    [`${PLACE}/package`, await published()],
    [`${PLACE}/node`, dirname(process.execPath)],
  ] as const) {
    mkdirSync(folder, { recursive: true });
    await mustRun(['mount', '--bind', what, folder]);
  }
  const [, ...words] = builtProgram('cli/main', `${PLACE}/package/dist`);
  const command = [`${PLACE}/node/${basename(process.execPath)}`, ...words].join(' ');
  writeFileSync(PROGRAM, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  await mustRun(['install', '-m', '644', UNIT, '/etc/systemd/system/']);
  await mustRun([PROGRAM, 'restrict', '30001', '--from', '203.0.113.0/24']);
  const guards = async (): Promise<boolean> =>
    (await mustRun(['nft', 'list', 'ruleset'])).includes('ip saddr 203.0.113.0/24 accept');
  const forget = () => mustRun(['nft', 'delete', 'table', 'inet', 'portcullis']);
  assert.equal(await guards(), true);
  await forget();

  await mustRun(['mount', '-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup']);
  const boot = `mount -t tmpfs tmpfs /run && exec ${SYSTEMD} --system --unit=portcullis.service --log-target=null`;
  const unshare = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', boot];
  const machine = spawn('unshare', unshare, { stdio: 'ignore', env: { ...process.env, container: 'portcullis' } });
  try {
    const first = async (): Promise<string> => (await mustRun(['pgrep', '-P', String(machine.pid)])).trim();
    const systemctl = async (...words: readonly string[]): Promise<string> =>
      mustRun(['nsenter', '-t', await first(), '-m', '-p', 'systemctl', ...words]);
    const state = async (): Promise<string> => {
      try {
        return /^ActiveState=(.*)$/m.exec(await systemctl('show', 'portcullis.service'))?.[1] ?? 'unknown';
      } catch {
        return 'systemd is not up yet';
      }
    };
    const GOES_ON = ['systemd is not up yet', 'inactive', 'activating'];
    for (const end = Date.now() + 120_000; GOES_ON.includes(await state()) && Date.now() < end;) await pause(500);
    assert.equal(await state(), 'active');
    assert.equal(await guards(), true, 'the service has put the rules back');

    await systemctl('stop', 'portcullis.service');
    assert.deepEqual([await state(), await guards()], ['inactive', true]);

    await forget();
    await systemctl('restart', 'portcullis.service');
    assert.deepEqual([await state(), await guards()], ['active', true]);
  } finally {
    const ended = once(machine, 'close');
    machine.kill('SIGKILL');
    await ended;
  }
});
