import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILT_ENVIRONMENT, EMULATED_NODE } from '../../src/lab/built.ts';
import { runCommand } from '../../src/lab/command.ts';

// Test files and their programs, each with all that it imports in one file: an emulated processor takes ten seconds to load two hundred
// modules, and two for one.

/** Programs that tests start on an emulated processor. */
const PROGRAMS = ['hammer/change.ts', 'trace-flows.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url)));

const BUNDLER = fileURLToPath(new URL('../../scripts/bundle-tests.ts', import.meta.url));
const FOLDER = new URL('../../node_modules/.cache/portcullis-tests/', import.meta.url);

/** A test's files lie in a folder of its own: a virtual machine that runs must not see its files change. */
const folderOf = (file: string): string => fileURLToPath(new URL(basename(file, '.test.ts'), FOLDER));
const placeIn = (folder: string, file: string): string => `${folder}/${basename(file).replace(/\.ts$/, '.js')}`;

const bundles = new Map<string, Promise<string>>();

/** The bundle of a test file, with its compiled code, as far as it is compiled before a test runs. */
export const bundledTest = (file: string): Promise<string> => {
  const bundled = bundles.get(file) ?? bundle(file);
  bundles.set(file, bundled);
  return bundled;
};

const bundle = async (file: string): Promise<string> => {
  const folder = folderOf(file);
  const { status, stderr } = await runCommand({ argv: [process.execPath, BUNDLER, folder, file, ...PROGRAMS] });
  assert.equal(status, 0, stderr);
  const bundled = placeIn(folder, file);
  const settings = Object.entries(BUILT_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
  await runCommand({
    argv: ['env', ...settings, ...EMULATED_NODE, '--test-name-pattern=^nothing$', bundled],
  });
  return bundled;
};

/** The command for one of the {@link PROGRAMS}; in a virtual machine as it was bundled for the test file that runs. */
export const nodeProgram = (file: string): readonly [string, string] => [
  process.execPath,
  process.env['PORTCULLIS_IN_VM'] === 'true' ? placeIn(process.env['PORTCULLIS_BUNDLES'] ?? '', file) : file,
];
