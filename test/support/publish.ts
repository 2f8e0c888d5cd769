import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileBuilt } from '../../src/lab/built.ts';
import { runCommand } from '../../src/lab/command.ts';

const CHECKOUT = new URL('../../', import.meta.url);
const at = (path: string): string => fileURLToPath(new URL(path, CHECKOUT));

/**
 * Puts into a folder what the package holds of the command: built, without the source beside it. It starts in half the
 * time.
 */
const publishInto = async (folder: string): Promise<void> => {
  const { status, stderr } = await runCommand({
    argv: [process.execPath, at('scripts/build.ts'), join(folder, 'dist')],
  });
  assert.equal(status, 0, stderr);
  cpSync(at('bin'), join(folder, 'bin'), { recursive: true });
  cpSync(at('package.json'), join(folder, 'package.json'));
};

/** The folder where this process, or one that started it, has published the command. */
const known = (): string | undefined => process.env['PORTCULLIS_PUBLISHED'];

/** Publishes for this process and all that it starts: `npm test` does it once for all files. */
export const publishForAll = async (): Promise<void> => {
  if (known() !== undefined) return;
  const folder = at('node_modules/.cache/portcullis-published');
  await publishInto(folder);
  process.env['PORTCULLIS_PUBLISHED'] = folder;
};

/**
 * The same, compiled for emulated processors: before a machine starts, which does not see what changes while it runs.
 */
export const publishForMachines = async (): Promise<void> => {
  await publishForAll();
  if (process.env['PORTCULLIS_COMPILED'] === 'true') return;
  await compileBuilt(join(known() ?? '', 'dist'));
  process.env['PORTCULLIS_COMPILED'] = 'true';
};

/**
 * The folder of the command as it is published; a file of tests that is run alone publishes for itself, until its
 * process ends.
 */
export const published = async (): Promise<string> => {
  const given = known();
  if (given !== undefined) return given;
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-published-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  await publishInto(folder);
  return folder;
};
