import { spawn } from 'node:child_process';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';

/** A program to run: its name and arguments (never a shell line), and what it reads. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly stdin?: string;
}

/** How a program ended. `status` is 127 where it could not be started, 128 + n where signal n ended it. */
export interface CommandExit {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one program to its end. */
export const runCommand = ({ argv: [program, ...rest], stdin = '' }: Command): Promise<CommandExit> =>
  new Promise((resolve) => {
    const child = spawn(program, rest, { stdio: 'pipe' });
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
    child.on('error', (problem) => resolve({ ...out, status: 127, stderr: problem.message }));
    child.on('close', (status) => resolve({ ...out, status: status ?? 128 }));
    // A program may end before it has read all of its input. Its exit status tells why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
  });

/** How commands are run: on this machine, or somewhere else. */
export type Runner = (command: Command) => Promise<Result<CommandExit>>;

const onThisMachine: Runner = async (command) => ok(await runCommand(command));

/** Runs one program that must succeed. Gives its standard output, or a problem with its messages. */
export const runOrFail = async (command: Command, run: Runner = onThisMachine): Promise<Result<string>> => {
  const ended = await run(command);
  if (!ended.ok) return ended;
  const { status, stdout, stderr } = ended.value;
  if (status === 0) return ok(stdout);
  const said = stderr.trim() === '' ? `status ${status}` : stderr.trim();
  return fail(error('command-failed', `${command.argv.join(' ')}: ${said}`));
};

/** Runs phases one after another, and the commands of a phase at the same time. The first problem is reported. */
export const runPhases = async (
  phases: readonly (readonly Command[])[],
  run: Runner = onThisMachine,
): Promise<Result<null>> => {
  for (const phase of phases) {
    const results = await Promise.all(phase.map((command) => runOrFail(command, run)));
    const problem = results.find((result) => !result.ok);
    if (problem?.ok === false) return problem;
  }
  return ok(null);
};
