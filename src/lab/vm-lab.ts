import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { runPhases, type CommandExit } from './command.ts';
import { labCommands } from './lab-commands.ts';
import { removeRecord, RUN_FOLDER, writeRecord, type LabRecord } from './lab-record.ts';
import type { Mode } from './mode.ts';
import { vmReady } from './vm.ts';
import { ring } from './vm-bell.ts';
import { jobEnd, writeJob, type Job } from './vm-job.ts';
import type { KernelFiles } from './vm-kernel.ts';
import { bellOf, consoleOf, isOver, outOf, startMachine } from './vm-machine.ts';
import { DEFAULT_KERNEL, type Kernel } from './vm-releases.ts';

export interface VmLabOptions {
  readonly mode: Mode;
  readonly kernel?: Kernel;
}

/**
 * Builds a lab in a virtual machine of its own, which stays until {@link vmLabDown}. A lab of that name is removed
 * first.
 */
export const vmLabUp = async (
  name: string,
  { mode, kernel = DEFAULT_KERNEL }: VmLabOptions,
): Promise<Result<LabRecord>> => {
  const ready = await vmReady(kernel);
  if (!ready.ok) return ready;
  await vmLabDown(name);
  const booted = await boot(name, ready.value);
  const built = booted.ok
    ? await runPhases(labCommands(name, { mode, sctp: true }), (command) => vmLabRun(name, command))
    : booted;
  if (!built.ok) {
    await vmLabDown(name);
    return built;
  }
  const record: LabRecord = { name, mode, where: 'vm' };
  writeRecord(record);
  return ok(record, ready.warnings);
};

/** Ends the virtual machine of a lab. Gives whether there was one. */
export const vmLabDown = async (name: string): Promise<boolean> => {
  const folder = folderOf(name);
  const found = existsSync(folder);
  const pid = qemuOf(folder);
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  while (qemuOf(folder) !== undefined) await pause(10);
  rmSync(folder, { recursive: true, force: true });
  removeRecord(name);
  return found;
};

/** Runs a program in the virtual machine of a lab, beside others that may be running there. */
export const vmLabRun = async (name: string, job: Job): Promise<Result<CommandExit>> => {
  const folder = folderOf(name);
  if (qemuOf(folder) === undefined) return fail(gone(name, ''));
  const id = `job-${process.pid}-${(jobs += 1)}`;
  writeJob(folder, id, job);
  const rung = await ring(bellOf(folder), `${id}\n`);
  if (!rung.ok) return rung;
  const ended = await jobEnd(folder, id, job, () => qemuOf(folder) === undefined);
  rmSync(join(outOf(folder), id), { recursive: true, force: true });
  return ended === null ? fail(gone(name, consoleOf(folder))) : ok(ended);
};

let jobs = 0;

const folderOf = (name: string): string => join(RUN_FOLDER, `${name}.vm`);

const gone = (name: string, said: string) =>
  error('vm-gone', `the virtual machine of lab '${name}' is not running ${said}`.trim());

const boot = async (name: string, kernel: KernelFiles): Promise<Result<null>> => {
  const folder = folderOf(name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const machine = await startMachine(folder, kernel, { once: false, bound: false });
  if (!machine.ok) return machine;
  while (!existsSync(join(outOf(folder), 'ready'))) {
    if (isOver(machine.value.qemu)) return fail(gone(name, consoleOf(folder)));
    await pause(20);
  }
  return ok(null);
};

/**
 * The process of a machine in this folder, if it still runs. A number that another process has by now does not count.
 */
const qemuOf = (folder: string): number | undefined => {
  try {
    const pid = Number(readFileSync(join(folder, 'qemu.pid'), 'utf8'));
    return pid > 1 && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder) ? pid : undefined;
  } catch {
    return undefined;
  }
};
