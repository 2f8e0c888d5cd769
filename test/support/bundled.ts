import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILT_ENVIRONMENT, EMULATED_NODE } from '../../src/lab/built.ts';
import { runCommand } from '../../src/lab/command.ts';

// Test files and their programs, each with all that it imports in one file: an emulated processor takes ten seconds to
// load two hundred modules, and two for one.

/** Programs that tests start on an emulated processor. */
const PROGRAMS = ['hammer/change.ts', 'send-from.ts', 'trace-flows.ts'].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
);

const CHECKOUT = new URL('../../', import.meta.url);
const BUNDLER = fileURLToPath(new URL('scripts/bundle-tests.ts', CHECKOUT));
const FOLDER = new URL('node_modules/.cache/portcullis-tests/', CHECKOUT);

const placeIn = (folder: string, file: string): string => `${folder}/${basename(file).replace(/\.ts$/, '.js')}`;

/**
 * Bundles test files (paths below the checkout), and keeps their code compiled, as far as it is compiled before a test
 * runs; gives the path of each bundle by that of its file. `folder`: a name for them, so that a machine that runs does
 * not see its files change.
 */
export const bundleTests = async (folder: string, files: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const target = fileURLToPath(new URL(folder, FOLDER));
  const sources = files.map((file) => fileURLToPath(new URL(file, CHECKOUT)));
  const { status, stderr } = await runCommand({ argv: [process.execPath, BUNDLER, target, ...sources, ...PROGRAMS] });
  assert.equal(status, 0, stderr);
  const bundles = new Map(files.map((file) => [file, placeIn(target, file)]));
  const settings = Object.entries(BUILT_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
  for (const bundle of bundles.values())
    await runCommand({ argv: ['env', ...settings, ...EMULATED_NODE, '--test-name-pattern=^nothing$', bundle] });
  return bundles;
};

/** The command for one of the {@link PROGRAMS}; in a virtual machine as it was bundled for the test file that runs. */
export const nodeProgram = (file: string): readonly [string, string] => [
  process.execPath,
  process.env['PORTCULLIS_IN_VM'] === 'true' ? placeIn(process.env['PORTCULLIS_BUNDLES'] ?? '', file) : file,
];
