import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { runCommand } from './command.ts';

const CHECKOUT = new URL('../../', import.meta.url);
const at = (path: string): string => fileURLToPath(new URL(path, CHECKOUT));

/** A program of a checkout, by its place in src/ without the ending; built it starts in a third of the time, which counts on an emulated processor. */
export const builtProgram = (name: string): string => at(`dist/${name}.js`);

/** Builds a checkout's programs; where there is no source, they are built already. */
export const buildPrograms = async (): Promise<Result<null>> => {
  const script = at('scripts/build.ts');
  if (!existsSync(script)) return ok(null);
  const { status, stderr } = await runCommand({ argv: [process.execPath, script] });
  return status === 0 ? ok(null) : fail(error('not-built', `the build failed: ${stderr.trim()}`));
};
