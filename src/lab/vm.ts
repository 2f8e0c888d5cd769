import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import type { CommandExit } from './command.ts';
import { RUN_FOLDER } from './lab-record.ts';
import { missing, type Needs } from './needs.ts';
import { jobEnd, writeJob, type Job } from './vm-job.ts';
import { kernelFiles } from './vm-kernel.ts';
import { consoleOf, endMachine, isOver, outOf, startMachine } from './vm-machine.ts';
import { DEFAULT_KERNEL, type Kernel } from './vm-releases.ts';

/** What a virtual machine needs on this machine, besides the programs that run in it. */
export const VM_NEEDS: Needs = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  depmod: 'kmod',
  modprobe: 'kmod',
  perl: 'perl-base',
  setpriv: 'util-linux',
};

export interface VmOptions extends Job {
  readonly kernel?: Kernel;
  /** Milliseconds for the machine from start to end. */
  readonly timeoutMs: number;
  readonly memoryMib?: number;
  /** The number of emulated processors; two by default. */
  readonly cpus?: number;
  /** Ends the machine early. The result is then a problem. */
  readonly signal?: AbortSignal;
}

/**
 * Runs one program as root in a throw-away virtual machine with a complete Debian kernel, and gives how it ended. The
 * status is 124 where time ran out. The machine sees this machine's files. What it writes is gone with it. It ends with
 * this process.
 */
export const runInVm = async ({
  kernel = DEFAULT_KERNEL,
  timeoutMs,
  memoryMib,
  cpus,
  signal,
  ...job
}: VmOptions): Promise<Result<CommandExit>> => {
  const ready = await vmReady(kernel);
  if (!ready.ok) return ready;
  const folder = newFolder();
  try {
    mkdirSync(outOf(folder));
    writeJob(folder, 'once', job);
    const options = {
      once: true,
      bound: true,
      ...(memoryMib === undefined ? {} : { memoryMib }),
      ...(cpus === undefined ? {} : { cpus }),
    };
    const started = await startMachine(folder, ready.value, options);
    if (!started.ok) return started;
    const { qemu } = started.value;
    const deadline = Date.now() + timeoutMs;
    const ended = await jobEnd(
      folder,
      'once',
      job,
      () => isOver(qemu) || Date.now() > deadline || signal?.aborted === true,
    );
    const late = ended === null && !isOver(qemu);
    const said = ended === null ? consoleOf(folder) : '';
    await endMachine(started.value);
    if (ended !== null) return ok(ended, ready.warnings);
    if (signal?.aborted === true) return fail(error('stopped', 'the virtual machine was stopped'));
    if (late) return ok({ status: 124, stdout: '', stderr: `no end after ${timeoutMs} ms\n` }, ready.warnings);
    return fail(error('vm-not-started', `the virtual machine ended early: ${said}`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** The kernel's files, when everything that a virtual machine needs is here. */
export const vmReady = async (kernel: Kernel) => {
  const problems = missing(VM_NEEDS);
  return problems.length > 0 ? fail(...problems) : kernelFiles(kernel);
};

/** A folder for a machine of this process. What killed processes have left is removed. */
export const newFolder = (): string => {
  mkdirSync(RUN_FOLDER, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(RUN_FOLDER)) {
    const owner = /^run-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !alive(Number(owner))) rmSync(join(RUN_FOLDER, name), { recursive: true, force: true });
  }
  return mkdtempSync(join(RUN_FOLDER, `run-${process.pid}-`));
};

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
