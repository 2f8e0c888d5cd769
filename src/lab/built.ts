import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { runCommand } from './command.ts';

const CHECKOUT = new URL('../../', import.meta.url);
const at = (path: string): string => fileURLToPath(new URL(path, CHECKOUT));

/**
 * Options of Node for short programs on an emulated processor. Code that is compiled while it runs would be compiled
 * twice there, and collecting garbage takes longer than using more memory (MiB).
 */
export const EMULATED_NODE = [
  process.execPath,
  '--jitless',
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
] as const;

/** The folder that a checkout's programs are built into. */
const DIST = at('dist');

/**
 * The command for a built program on an emulated processor, where it starts in a third of the time. `name`: its place
 * in src/ without the ending. `dist`: the folder that it was built into.
 */
export const builtProgram = (name: string, dist = DIST): readonly [string, ...string[]] => [
  ...EMULATED_NODE,
  join(dist, `${name}.js`),
];

/** Builds a checkout's programs. Where there is no source, they are built already. */
export const buildPrograms = async (): Promise<Result<null>> => {
  const script = at('scripts/build.ts');
  if (!existsSync(script)) return ok(null);
  const { status, stderr } = await runCommand({ argv: [process.execPath, script] });
  return status === 0 ? ok(null) : fail(error('not-built', `the build failed: ${stderr.trim()}`));
};

/** Variables for built programs in a virtual machine. They lead to what {@link compileBuilt} has compiled here. */
export const BUILT_ENVIRONMENT = { NODE_COMPILE_CACHE: at('node_modules/.cache/portcullis-built') };

/**
 * Commands that load every part of the command line and run the most of it. The first one decides what is kept of the
 * parts that the others share.
 */
const COMMANDS = [
  ['restrict', '30001', '--from', '192.0.2.0/24'],
  ['status'],
  ['denied'],
  ['verify'],
  ['remove'],
] as const;

/**
 * Runs the built programs once, in network namespaces of their own, so that their compiled code is kept. An emulated
 * processor would compile for seconds. Where this fails it is left out, because nothing else depends on it. `dist`: the
 * folder that they were built into.
 */
export const compileBuilt = async (dist = DIST): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-compile-'));
  const settings = Object.entries({ ...BUILT_ENVIRONMENT, PORTCULLIS_STATE_DIR: folder }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const run = (name: string, words: readonly string[]) =>
    runCommand({ argv: ['env', ...settings, 'unshare', '--net', '--', ...builtProgram(name, dist), ...words] });
  try {
    const [first, ...others] = COMMANDS;
    await run('cli/main', first);
    await Promise.all([...others.map((words) => run('cli/main', words)), run('lab/demo', ['--mode', 'none'])]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
