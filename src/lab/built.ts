import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { runCommand } from './command.ts';

const CHECKOUT = new URL('../../', import.meta.url);
const at = (path: string): string => fileURLToPath(new URL(path, CHECKOUT));

/**
 * The command for a program of a checkout, as it was built, on an emulated processor; `name`: its place in src/ without the ending. Built it starts in a
 * third of the time, and there code that is compiled as it runs would be compiled twice.
 */
export const builtProgram = (name: string): readonly [string, ...string[]] => [
  process.execPath,
  '--jitless',
  at(`dist/${name}.js`),
];

/** Builds a checkout's programs; where there is no source, they are built already. */
export const buildPrograms = async (): Promise<Result<null>> => {
  const script = at('scripts/build.ts');
  if (!existsSync(script)) return ok(null);
  const { status, stderr } = await runCommand({ argv: [process.execPath, script] });
  return status === 0 ? ok(null) : fail(error('not-built', `the build failed: ${stderr.trim()}`));
};
