import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { error, fail, ok, type Diagnostic, type Result } from '../diagnostic/diagnostic.ts';
import type { CommandExit } from './command.ts';
import { newFolder, vmReady } from './vm.ts';
import { ring } from './vm-bell.ts';
import { jobEnd, writeJob, type Job } from './vm-job.ts';
import { bellOf, consoleOf, endMachine, isOver, outOf, startMachine } from './vm-machine.ts';
import type { Kernel } from './vm-releases.ts';

/** A virtual machine that runs one program after another. It ends with this process, however that ends. */
export interface OpenMachine {
  /**
   * Runs a program in it, and gives how it ended. The status is 124 where it took longer than `timeoutMs`
   * (milliseconds). It may still run then, until the machine ends.
   */
  readonly run: (job: Job & { readonly timeoutMs: number }) => Promise<Result<CommandExit>>;
  readonly close: () => Promise<void>;
}

export interface OpenMachineOptions {
  readonly kernel: Kernel;
  /** Emulated processors. */
  readonly cpus: number;
}

/** Boots a machine that waits for programs. */
export const openMachine = async ({ kernel, cpus }: OpenMachineOptions): Promise<Result<OpenMachine>> => {
  const ready = await vmReady(kernel);
  if (!ready.ok) return ready;
  const folder = newFolder();
  const forget = (): void => rmSync(folder, { recursive: true, force: true });
  const started = await startMachine(folder, ready.value, { once: false, bound: true, cpus });
  if (!started.ok) {
    forget();
    return started;
  }
  const { qemu } = started.value;
  const close = async (): Promise<void> => {
    await endMachine(started.value);
    forget();
  };
  while (!existsSync(join(outOf(folder), 'ready'))) {
    if (isOver(qemu)) {
      const problem = ended(folder);
      await close();
      return fail(problem);
    }
    await pause(20);
  }
  let jobs = 0;
  const run: OpenMachine['run'] = async ({ timeoutMs, ...job }) => {
    const id = `job-${(jobs += 1)}`;
    const deadline = Date.now() + timeoutMs;
    if (isOver(qemu)) return fail(ended(folder));
    writeJob(folder, id, job);
    const rung = await ring(bellOf(folder), `${id}\n`);
    if (!rung.ok) return rung;
    const exit = await jobEnd(folder, id, job, () => isOver(qemu) || Date.now() > deadline);
    if (exit !== null) return ok(exit);
    return isOver(qemu)
      ? fail(ended(folder))
      : ok({ status: 124, stdout: '', stderr: `no end after ${timeoutMs} ms\n` });
  };
  return ok({ run, close }, ready.warnings);
};

const ended = (folder: string): Diagnostic =>
  error('vm-gone', `the virtual machine is not running ${consoleOf(folder)}`.trim());
