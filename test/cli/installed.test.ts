import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

// What a server gets that has no checkout: the packed tarball, installed into an empty place with the oldest Node that
// the README names, and run by that Node.

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
const OLDEST = '18';
const { version } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { version: string };

describe(`the packed package, installed and run with Node ${OLDEST}`, () => {
  let place: string;
  /** A folder whose `node` and `npm` come first on the search path. */
  let old: string;
  let tarball: string;
  const npm = (folder: string, ...words: readonly string[]): string =>
    execFileSync('npm', [...words, '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const run = (program: string, words: readonly string[], folder: string) => {
    const path = [old, join(place, 'global/bin'), process.env['PATH'] ?? ''].join(delimiter);
    const { status, stdout, stderr } = spawnSync(program, words, {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: path, HOME: place, npm_config_offline: 'true' },
    });
    // npm complains about the old Node by itself.
    return { status, out: stdout, err: stderr.replaceAll(/^npm warn .*\n/gm, '') };
  };
  before(() => {
    place = mkdtempSync(join(tmpdir(), 'portcullis-installed-'));
    for (const folder of ['project', 'node', 'old', 'pack']) mkdirSync(join(place, folder));
    npm(CHECKOUT, 'pack', '--pack-destination', join(place, 'pack'));
    tarball = join(place, 'pack', readdirSync(join(place, 'pack'))[0] ?? '');
    npm(join(place, 'node'), 'install', '--prefix', '.', `node-linux-${process.arch}@${OLDEST}`);
    old = join(place, 'old');
    symlinkSync(join(place, `node/node_modules/node-linux-${process.arch}/bin/node`), join(old, 'node'));
    writeFileSync(join(place, 'project/package.json'), '{ "private": true }');
    npm(join(place, 'project'), 'install', tarball);
    npm(place, 'install', '--global', '--prefix', join(place, 'global'), tarball);
  });
  after(() => rmSync(place, { recursive: true, force: true }));

  test('the Node that runs it is that old one', () => {
    assert.match(run('node', ['--version'], place).out, new RegExp(`^v${OLDEST}\\.`));
  });

  const ways: readonly (readonly [what: string, program: () => string, before: readonly string[], folder: string])[] = [
    ['the command in a project', () => join(place, 'project/node_modules/.bin/portcullis'), [], 'project'],
    ['npx portcullis in a project', () => 'npx', ['--no-install', 'portcullis'], 'project'],
    ['the command of a global install', () => 'portcullis', [], '.'],
  ];
  for (const [what, program, words, folder] of ways)
    test(`${what} finds the Node that it brought along, and runs`, () => {
      const here = join(place, folder);
      assert.deepEqual(run(program(), [...words, '--version'], here), { status: 0, out: `${version}\n`, err: '' });
      assert.match(run(program(), [...words, '--help'], here).out, /^USAGE\n/);
      const wrong = run(program(), [...words, 'restrict'], here);
      assert.equal(wrong.status, 2, wrong.err);
    });

  test('without its Node it says how to get one', () => {
    const lonely = join(place, 'lonely');
    npm(place, 'install', '--prefix', lonely, '--omit=optional', tarball);
    assert.ok(!existsSync(join(lonely, `node_modules/node-linux-${process.arch}`)));
    const { status, err } = run(join(lonely, 'node_modules/.bin/portcullis'), ['--version'], place);
    assert.equal(status, 2);
    assert.match(
      err,
      /^portcullis needs Node 24 or newer, and this is v18\.\S+\n {2}It comes along as an optional dependency: install again without --omit=optional, or install Node 24\n$/,
    );
  });
});
