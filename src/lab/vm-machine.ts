import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { error, fail, ok, type Diagnostic, type Result } from '../diagnostic/diagnostic.ts';
import { programPath } from './program.ts';
import type { KernelFiles } from './vm-kernel.ts';

/** A virtual machine that was started. */
export interface Machine {
  /** Its folder on this side, with sockets, logs, and `out`, which the machine sees as /out. */
  readonly folder: string;
  readonly qemu: ChildProcess;
  /** All its processes on this side. */
  readonly processes: readonly ChildProcess[];
}

export interface MachineOptions {
  /** Whether it runs the job `once` and ends; otherwise it waits for jobs. */
  readonly once: boolean;
  /** Whether it ends with this process, however that happens. */
  readonly bound: boolean;
  readonly memoryMib?: number;
  /** The number of emulated processors; two by default. */
  readonly cpus?: number;
}

/** The machine's side of a folder: what it sees as /out. */
export const outOf = (folder: string): string => join(folder, 'out');

/** The socket for asking for jobs. */
export const bellOf = (folder: string): string => join(folder, 'bell');

/**
 * Starts a virtual machine in a folder: QEMU in software (no KVM needed), with this machine's files as a read-only root
 * under a layer in memory. Returns when QEMU runs, not when the machine is up.
 */
export const startMachine = async (
  folder: string,
  kernel: KernelFiles,
  { once, bound, memoryMib = 2048, cpus = 2 }: MachineOptions,
): Promise<Result<Machine>> => {
  const out = outOf(folder);
  mkdirSync(out, { recursive: true });
  copyFileSync(programPath('vm-agent.pl'), join(out, 'agent.pl'));
  writeFileSync(join(out, 'modules'), kernel.modules);
  const processes: ChildProcess[] = [];
  const spawnHere = (argv: readonly string[], log: string): ChildProcess => {
    const child = start(argv, join(folder, log), bound);
    processes.push(child);
    return child;
  };
  const shares = await Promise.all([share(folder, 'root', '/', spawnHere), share(folder, 'out', out, spawnHere)]);
  const problems = shares.flatMap((it) => (it === null ? [] : [it]));
  if (problems.length > 0) {
    await endMachine({ processes });
    return fail(...problems);
  }
  const qemu = spawnHere(qemuArguments(folder, kernel, { once, memoryMib, cpus }), 'qemu.log');
  return ok({ folder, qemu, processes });
};

/** Whether this process has ended, or never begun. */
export const isOver = ({ exitCode, signalCode, pid }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null || pid === undefined;

/** Ends a machine at once, and waits until its processes are gone. */
export const endMachine = async ({ processes }: Pick<Machine, 'processes'>): Promise<void> => {
  for (const child of processes.toReversed()) {
    if (isOver(child)) continue;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    child.kill('SIGKILL');
    await gone;
  }
};

/** The messages of the machine and of QEMU, to find out why it does not run. */
export const consoleOf = (folder: string): string =>
  ['qemu.log', 'console', 'root.log', 'out.log']
    .map((name) => join(folder, name))
    .flatMap((file) => (existsSync(file) ? [readFileSync(file, 'utf8').trim()] : []))
    .join('\n')
    .trim();

const start = (argv: readonly string[], log: string, bound: boolean): ChildProcess => {
  // setpriv (util-linux) makes the kernel kill it when this process is gone, also by kill -9.
  const [program, ...rest] = bound ? ['setpriv', '--pdeathsig', 'KILL', '--', ...argv] : argv;
  const output = openSync(log, 'w');
  const child = spawn(program ?? '', rest, { stdio: ['ignore', output, output], detached: !bound });
  closeSync(output);
  child.on('error', (problem) => writeFileSync(log, `${program}: ${problem.message}\n`));
  child.unref();
  return child;
};

/**
 * Offers a folder to the machine. virtiofsd ends by itself when QEMU does. Bookworm has its first version, in C; later
 * releases have the second.
 */
const share = async (
  folder: string,
  tag: 'root' | 'out',
  source: string,
  spawnHere: (argv: readonly string[], log: string) => ChildProcess,
): Promise<Diagnostic | null> => {
  const socket = join(folder, `${tag}.sock`);
  // The root does not change under the machine. With that promise a program starts in milliseconds instead of half a
  // second.
  const cache = tag === 'root' ? 'always' : 'none';
  const first = '/usr/lib/qemu/virtiofsd';
  const child = spawnHere(
    existsSync(first)
      ? [first, `--socket-path=${socket}`, '-o', `source=${source}`, '-o', `cache=${cache}`, '-o', 'sandbox=chroot']
      : [
          '/usr/libexec/virtiofsd',
          `--socket-path=${socket}`,
          `--shared-dir=${source}`,
          `--cache=${cache === 'none' ? 'never' : cache}`,
          '--sandbox=chroot',
        ],
    `${tag}.log`,
  );
  while (!existsSync(socket)) {
    if (isOver(child))
      return error('vm-not-started', `virtiofsd did not start: ${consoleOf(folder) || `status ${child.exitCode}`}`);
    await pause(10);
  }
  return null;
};

const qemuArguments = (
  folder: string,
  kernel: KernelFiles,
  { once, memoryMib, cpus }: { readonly once: boolean; readonly memoryMib: number; readonly cpus: number },
): string[] => [
  'qemu-system-x86_64',
  '-nodefaults',
  '-no-reboot',
  ...[
    ['-M', 'q35'],
    // By measurement, the simplest processor that runs everything is the fastest to emulate.
    ['-cpu', 'Nehalem'],
    ['-accel', 'tcg,thread=multi'],
    ['-smp', `${cpus}`],
    ['-m', `${memoryMib}`],
    ['-display', 'none'],
    ['-monitor', 'none'],
    ['-pidfile', join(folder, 'qemu.pid')],
    ['-kernel', kernel.image],
    ['-initrd', kernel.initrd],
    // An emulated timer that gets no time to tick is not broken (arch/x86/kernel/apic/io_apic.c, check_timer, panics on
    // it).
    ['-append', 'console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off no_timer_check'],
    ['-object', `memory-backend-memfd,id=mem,size=${memoryMib}M,share=on`],
    ['-numa', 'node,memdev=mem'],
    ...['root', 'out'].flatMap((tag) => [
      ['-chardev', `socket,id=${tag},path=${join(folder, `${tag}.sock`)}`],
      ['-device', `vhost-user-fs-pci,chardev=${tag},tag=${tag}`],
    ]),
    ['-serial', `file:${join(folder, 'console')}`],
    ...(once ? [] : bellLine(folder)),
  ].flat(),
];

const bellLine = (folder: string): string[][] => [
  ['-chardev', `socket,id=bell,path=${bellOf(folder)},server=on,wait=off`],
  ['-serial', 'chardev:bell'],
];
