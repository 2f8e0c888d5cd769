import { runCommand } from '../../src/kernel/command.ts';

/** Why tests of the kernel cannot run here; false: they can. For the option `skip` of a test. */
export const noKernel = process.getuid?.() === 0 ? false : 'needs root';

/** A network namespace of one test file. */
export interface Namespace {
  readonly name: string;
  /** The words in front of a command that is to run in there. */
  readonly inside: readonly [string, ...string[]];
  /** Runs a program in there that must succeed; gives what it printed. */
  readonly run: (argv: readonly string[], stdin?: string) => Promise<string>;
}

/** Runs a program that must succeed. */
export const mustRun = async (argv: readonly [string, ...string[]], stdin = ''): Promise<string> => {
  const result = await runCommand(argv, { stdin });
  if (result.kind === 'done' && result.status === 0) return result.stdout;
  throw new Error(`${argv.join(' ')}: ${result.kind === 'done' ? result.stderr.slice(0, 2000) : result.kind}`);
};

/** Makes an empty namespace; what an earlier run left of that name goes first. */
export const makeNamespace = async (name: string): Promise<Namespace> => {
  await removeNamespace(name);
  await mustRun(['ip', 'netns', 'add', name]);
  const inside = ['ip', 'netns', 'exec', name] as const;
  return { name, inside, run: (argv, stdin) => mustRun([...inside, ...argv], stdin) };
};

/** Removes a namespace, if it is there. */
export const removeNamespace = async (name: string): Promise<void> => {
  await runCommand(['ip', 'netns', 'delete', name]);
};
