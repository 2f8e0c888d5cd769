import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { capturedFiles, CAPTURED_MODES } from '../support/captured-node.ts';
import { BIN, runProgram } from '../support/command-line.ts';

const OBJECTS = fileURLToPath(new URL('../../src/lab/data/objects.json', import.meta.url));

describe('explain and audit read the dumps of any node', () => {
  let folder = '';
  const cli = (stdin: string, ...words: readonly string[]) =>
    runProgram([process.execPath, BIN, ...words], { stdin }, folder);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    // One file that holds all dumps of a node, as somebody would paste them.
    for (const mode of CAPTURED_MODES) {
      const dumps = [...capturedFiles(mode, 'small')].filter(([name]) => !name.startsWith('trace-'));
      const at = '2026-01-01T00:00:00Z';
      writeFileSync(
        join(folder, `${mode}.json`),
        JSON.stringify({
          apiVersion: 'portcullis.dev/v1alpha1',
          kind: 'Snapshot',
          version: 1,
          node: mode,
          kernel: '6.18',
          taken: at,
          tools: {},
          dumps: dumps.map(([name, text]) => ({ name, command: [name], begin: at, end: at, text })),
          warnings: [],
        }),
      );
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const DELIVERED = '{"from":"203.0.113.7","to":"192.0.2.10:30001","expect":{"result":"delivered"}}';
  const WRONG = '{"from":"203.0.113.7","to":"192.0.2.10:30005","expect":{"result":"delivered"}}';
  const BAD = '{"from":"203.0.113.7"}';
  const batches: readonly (readonly [words: string, lines: readonly string[], status: number])[] = [
    ['all is as expected', [DELIVERED, '{"from":"203.0.113.7","to":"192.0.2.10:30005"}'], 0],
    ['one is not', [WRONG, DELIVERED], 1],
    ['a bad line weighs more', [WRONG, BAD, DELIVERED], 2],
    ['an empty batch', [], 0],
  ];
  for (const [words, lines, status] of batches)
    test(`--batch: ${words}: exit status ${status}, one answer per line, in order`, async () => {
      const run = await cli(
        lines.map((line) => `${line}\n`).join(''),
        'explain',
        '--batch',
        '-',
        '--snapshot',
        'nftables.json',
      );
      const answers = run.out
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual([run.status, answers.length], [status, lines.length], run.err);
      for (const [index, line] of lines.entries()) {
        const answer = answers[index] ?? {};
        assert.equal(answer['line'], index + 1);
        assert.equal(typeof answer['error'], line === BAD ? 'string' : 'undefined');
        assert.equal(answer['ok'], line === BAD || !line.includes('expect') ? undefined : line === DELIVERED);
      }
    });

  test('--services names what the dumps of ipvs mode do not', async () => {
    const packet = ['--from', '203.0.113.7', '--to', '192.0.2.10:30001', '--snapshot', 'ipvs.json'];
    assert.match((await cli('', 'explain', ...packet)).out, /to node port 30001 reaches/);
    assert.match(
      (await cli('', 'explain', ...packet, '--services', OBJECTS)).out,
      /to node port 30001 \(shop\/frontend:http\) reaches/,
    );
    const audit = await cli('', 'audit', '--snapshot', 'ipvs.json', '--port', '30001', '--services', OBJECTS);
    assert.match(audit.out, /^30001\/tcp {2}shop\/frontend:http /m);
  });

  test('several nodes: those on which the packet takes the same way are shown once', async () => {
    const run = await cli(
      '',
      'explain',
      '--from',
      '203.0.113.7',
      '--to',
      '192.0.2.10:30001',
      '--snapshot',
      'nftables.json',
      '--snapshot',
      'nftables.json',
      '--snapshot',
      'ipvs.json',
    );
    assert.deepEqual(run.out.match(/^\S.*:$/gm), ['nftables, nftables:', 'ipvs:']);
  });

  test('audit: --fail-on decides about the exit status, --diff about what changed', async () => {
    const status = async (...words: readonly string[]) => (await cli('', 'audit', ...words)).status;
    assert.equal(await status('--snapshot', 'nftables.json'), 0);
    assert.equal(await status('--snapshot', 'nftables.json', '--fail-on', 'open-to-internet'), 1);
    assert.equal(await status('--snapshot', 'nftables.json', '--fail-on', 'same-priority'), 0);
    assert.equal(await status('--snapshot', 'nftables.json', '--fail-on', 'nonsense'), 2);
    assert.equal(await status('--diff', 'nftables.json', 'nftables.json'), 0);
    const changed = await cli('', 'audit', '--diff', 'iptables-nft.json', 'ipvs.json');
    assert.equal(changed.status, 1);
    assert.match(changed.out, /^30004\/tcp IPv4 +\+ /m);
  });
});
