import { existsSync, mkdirSync, openSync, readFileSync, closeSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command, CommandExit } from './command.ts';
import { outOf } from './vm-machine.ts';

/** A program to run in a virtual machine. */
export interface Job extends Command {
  /** The folder that it runs in; default: the folder of this process. */
  readonly folder?: string;
  /** Variables besides PATH, HOME and TERM. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with what the program writes while it runs. */
  readonly onOutput?: (stream: 'stdout' | 'stderr', text: string) => void;
}

/** Puts a job where the machine looks for it. */
export const writeJob = (machine: string, id: string, { argv, stdin = '', folder, environment = {} }: Job): void => {
  const job = join(outOf(machine), id);
  mkdirSync(job);
  const variables = { HOME: '/root', TERM: 'dumb', ...environment };
  writeFileSync(join(job, 'argv'), argv.map((item) => `${item}\0`).join(''));
  writeFileSync(
    join(job, 'environment'),
    Object.entries(variables)
      .map(([name, value]) => `${name}=${value}\0`)
      .join(''),
  );
  writeFileSync(join(job, 'folder'), folder ?? process.cwd());
  writeFileSync(join(job, 'stdin'), stdin);
  for (const stream of STREAMS) writeFileSync(join(job, stream), '');
};

const STREAMS = ['stdout', 'stderr'] as const;

/** Waits until a job has ended; null where `over` says that it never will. */
export const jobEnd = async (
  machine: string,
  id: string,
  { onOutput }: Pick<Job, 'onOutput'>,
  over: () => boolean,
): Promise<CommandExit | null> => {
  const job = join(outOf(machine), id);
  const told = { stdout: 0, stderr: 0 };
  const tell = (): void => {
    for (const stream of STREAMS) {
      const text = textFrom(join(job, stream), told[stream]);
      told[stream] += text.length;
      if (text.length > 0) onOutput?.(stream, text.toString());
    }
  };
  const ended = (): boolean => existsSync(join(job, 'status'));
  while (!ended()) {
    // This is tested before the last look: the machine writes the status and may be gone a moment later.
    if (over() && !ended()) return null;
    if (onOutput !== undefined) tell();
    await pause(20);
  }
  if (onOutput !== undefined) tell();
  const read = (name: string): string => readFileSync(join(job, name), 'utf8');
  return { status: Number(read('status')), stdout: read('stdout'), stderr: read('stderr') };
};

const textFrom = (file: string, offset: number): Buffer => {
  const handle = openSync(file, 'r');
  const chunk = Buffer.alloc(65536);
  const size = readSync(handle, chunk, 0, chunk.length, offset);
  closeSync(handle);
  return chunk.subarray(0, size);
};
