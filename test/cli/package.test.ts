import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../support/command-line.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

describe('what is published runs by itself, without the source and without libraries beside it', () => {
  let folder = '';
  const cli = (...words: readonly string[]) =>
    runProgram([process.execPath, join(folder, 'package/bin/portcullis.js'), ...words], {}, folder);
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-package-'));
    const packed = await runProgram(['npm', 'pack', '--silent', '--pack-destination', folder], {}, CHECKOUT);
    assert.equal(packed.status, 0, packed.err);
    const name = packed.out.trim().split('\n').at(-1) ?? '';
    const unpacked = await runProgram(['tar', '-xzf', join(folder, name), '-C', folder], {}, folder);
    assert.equal(unpacked.status, 0, unpacked.err);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('it tells its help and its version', async () => {
    const help = await cli('--help');
    assert.deepEqual([help.status, help.err], [0, '']);
    assert.match(help.out, /portcullis restrict 30001 --from/);
    assert.match((await cli('--version')).out, /^\d+\.\d+\.\d+$/m);
  });

  test('a command that reads policies, with YAML and its schema', async () => {
    const wrong = await runProgram(
      [process.execPath, join(folder, 'package/bin/portcullis.js'), 'render', '-f', '-'],
      { stdin: 'kind: ClusterNodePortPolicy\n' },
      folder,
    );
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /apiVersion/);
  });

  test('a command that looks for its own files', async () => {
    const { status, out, err } = await cli('lab', '--help');
    assert.deepEqual([status, err], [0, '']);
    assert.match(out, /lab up/);
  });
});
