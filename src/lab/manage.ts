import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { chooseLab, type Choice } from './choose-lab.ts';
import type { Command } from './command.ts';
import { badName, inPlace, labDown, labUp } from './lab.ts';
import { readRecord, stateOf, type LabRecord } from './lab-record.ts';
import { missing } from './needs.ts';
import type { Place } from './place.ts';
import { vmLabDown, vmLabRun, vmLabUp, type VmLabOptions } from './vm-lab.ts';

/** A running lab, and why it runs where it does. */
export interface OpenLab extends LabRecord {
  readonly because: string;
}

export interface OpenOptions extends VmLabOptions {
  /** Use a virtual machine even where this kernel would do. */
  readonly vm?: boolean;
  /** Called as soon as the place is known, because a virtual machine takes its time. */
  readonly onChoice?: (choice: Choice) => void;
}

/** Builds a lab for a person, on this machine's kernel or in a virtual machine. It stays until {@link closeLab}. */
export const openLab = async (
  name: string,
  { vm = false, onChoice, ...options }: OpenOptions,
): Promise<Result<OpenLab>> => {
  const problems = [...badName(name), ...missing({})];
  if (problems.length > 0) return fail(...problems);
  const asked = vm || options.kernel !== undefined;
  const choice: Choice = asked
    ? { where: 'vm', because: 'in a virtual machine, because that was asked for' }
    : await chooseLab(options.mode, []);
  onChoice?.(choice);
  await closeLab(name);
  const built = choice.where === 'vm' ? await vmLabUp(name, options) : await labUp(name, options);
  return built.ok ? ok({ ...built.value, because: choice.because }, built.warnings) : built;
};

/** Removes a lab, wherever it is, whole or half built. Gives whether there was anything of it. */
export const closeLab = async (name: string): Promise<Result<boolean>> => {
  const problems = [...badName(name), ...missing({})];
  if (problems.length > 0) return fail(...problems);
  const machine = await vmLabDown(name);
  const here = await labDown(name);
  return here.ok ? ok(machine || here.value) : here;
};

/**
 * Runs a program in a place of a lab, with this process's input and output. Gives its exit status. In a virtual machine
 * the program gets all of the input at its start, and no terminal.
 */
export const runInLab = async (
  name: string,
  place: Place,
  argv: readonly [string, ...string[]],
): Promise<Result<number>> => {
  const record = readRecord(name);
  if (record === undefined)
    return fail(error('no-lab', `there is no lab '${name}'`, undefined, `build it with: portcullis lab up`));
  const command = inPlace(name, place, { argv: insideLab(name, argv) });
  if (record.where === 'host') return ok(await runHere(command.argv));
  const stdin = process.stdin.isTTY ? '' : await text(process.stdin);
  const ended = await vmLabRun(name, { ...command, stdin, onOutput: (stream, it) => void process[stream].write(it) });
  return ended.ok ? ok(ended.value.status) : ended;
};

/**
 * In a lab, `portcullis` is the program that runs now, and keeps its state with the lab. This terminal's SSH session is
 * not on the lab's node.
 */
const insideLab = (name: string, [program, ...rest]: Command['argv']): Command['argv'] => [
  'env',
  '--unset=SSH_CONNECTION',
  `PORTCULLIS_STATE_DIR=${stateOf(name)}`,
  ...(program === 'portcullis' ? [process.execPath, PORTCULLIS] : [program]),
  ...rest,
];

const PORTCULLIS = fileURLToPath(new URL('../../bin/portcullis.js', import.meta.url));

const runHere = ([program, ...rest]: readonly [string, ...string[]]): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(program, rest, { stdio: 'inherit' });
    // The terminal sends Ctrl-C to the program as well, and the program decides what to do.
    const ignore = (): void => undefined;
    process.on('SIGINT', ignore);
    child.on('error', () => resolve(127));
    child.on('close', (status) => {
      process.off('SIGINT', ignore);
      resolve(status ?? 128);
    });
  });
