import { spawn } from 'node:child_process';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';

/** A program to run: its name and arguments (never a shell line), and what it reads. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly stdin?: string;
}

/** How a program ended. `status` is 127 where it could not be started, 128 + n where signal n ended it. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one program to its end. */
export const runCommand = ({ argv: [program, ...rest], stdin = '' }: Command): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(program, rest, { stdio: 'pipe' });
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
    child.on('error', (problem) => resolve({ ...out, status: 127, stderr: problem.message }));
    child.on('close', (status) => resolve({ ...out, status: status ?? 128 }));
    // A program may end before it has read everything; its exit status tells that story.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
  });

/** Runs one program that must succeed; gives its standard output, or a problem with what it said. */
export const runOrFail = async (command: Command): Promise<Result<string>> => {
  const { status, stdout, stderr } = await runCommand(command);
  if (status === 0) return ok(stdout);
  const said = stderr.trim() === '' ? `status ${status}` : stderr.trim();
  return fail(error('command-failed', `${command.argv.join(' ')}: ${said}`));
};

/** Runs phases one after another, the commands of a phase at the same time; the first problem is the one that is told. */
export const runPhases = async (phases: readonly (readonly Command[])[]): Promise<Result<null>> => {
  for (const phase of phases) {
    const problem = (await Promise.all(phase.map(runOrFail))).find((result) => !result.ok);
    if (problem?.ok === false) return problem;
  }
  return ok(null);
};
