import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { runInVm, vmReady } from '../../src/lab/vm.ts';
import { DEFAULT_KERNEL } from '../../src/lab/vm-releases.ts';

/** Processes whose command line names a folder of the given process's machines. */
const machinesOf = (pid: number): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`/run-${pid}-`);
      } catch {
        return false;
      }
    });

const ready = await vmReady(DEFAULT_KERNEL);
const why = ready.ok ? false : ready.problems.map(({ message }) => message).join('; ');

describe('a virtual machine for one program', { skip: why }, () => {
  test('runs it with its input, gives its output and status, and leaves nothing', async () => {
    const script = `print <STDIN>; print STDERR 'said'; exit 5`;
    const ended = await runInVm({ argv: ['perl', '-e', script], stdin: 'in', timeoutMs: 120_000 });
    assert.deepEqual(ended.ok ? ended.value : ended, { status: 5, stdout: 'in', stderr: 'said' });
    assert.deepEqual(machinesOf(process.pid), []);
  });

  test('ends when time is up', async () => {
    const ended = await runInVm({ argv: ['sleep', '1000'], timeoutMs: 1000 });
    assert.equal(ended.ok && ended.value.status, 124);
    assert.deepEqual(machinesOf(process.pid), []);
  });

  test('ends with the process that started it, also when that is killed', async () => {
    const code = `await (await import(${JSON.stringify(new URL('../../src/lab/vm.ts', import.meta.url).href)})).runInVm({ argv: ['sleep', '1000'], timeoutMs: 1e6 })`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'ignore' });
    const pid = parent.pid ?? 0;
    while (machinesOf(pid).length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    while (machinesOf(pid).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
