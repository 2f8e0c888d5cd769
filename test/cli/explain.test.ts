import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  equals,
  EVERY_ADDRESS,
  intersection,
  isEmpty,
  isSubset,
  NO_ADDRESS,
  setOfRanges,
  union,
  type PrefixSet,
} from '../../src/net/prefix-set.ts';
import { capturedFiles, CAPTURED_MODES } from '../support/captured-node.ts';
import { runProgram } from '../support/command-line.ts';
import { PORTCULLIS } from '../support/portcullis.ts';
import { readRange } from '../support/read-range.ts';

const OBJECTS = fileURLToPath(new URL('../../src/lab/data/objects.json', import.meta.url));

/** What the node `changed` has over the node `iptables-nft`, at the end of its mangle table. */
const ADDED = '-A PREROUTING -s 203.0.113.0/24 -j ACCEPT\n';

describe('explain and audit read the dumps of any node', () => {
  let folder = '';
  const cli = (stdin: string, ...words: readonly string[]) => runProgram([...PORTCULLIS, ...words], { stdin }, folder);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
    // One file that holds all dumps of a node, as somebody would paste them.
    for (const mode of [...CAPTURED_MODES, 'changed'] as const) {
      const dumps = [...capturedFiles(mode === 'changed' ? 'iptables-nft' : mode, 'small')]
        .filter(([name]) => !name.startsWith('trace-'))
        .map(
          ([name, text]) =>
            [
              name,
              mode === 'changed' ? text.replace(/(?<=^\*mangle$[^*]*^)COMMIT$/m, `${ADDED}COMMIT`) : text,
            ] as const,
        );
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
      /to node port 30001 \(shop\/frontend:http\) reaches[^]*IPVS {3}takes it over for shop\/frontend:http, behind/,
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
    assert.deepEqual(run.out.match(/^\S.*:(?: another way)?$/gm), ['nftables, nftables:', 'ipvs: another way']);
  });

  test('several nodes: of a node that is a little different, the differences are shown', async () => {
    const packet = ['--from', '203.0.113.7', '--to', '192.0.2.10:30001', '--no-texts'];
    const run = await cli('', 'explain', ...packet, '--snapshot', 'iptables-nft.json', '--snapshot', 'changed.json');
    const [, told = ''] = run.out.split('changed: the same as iptables-nft, but for this\n');
    assert.deepEqual(
      told
        .split('\n')
        .filter((line) => /^[-+] /.test(line))
        .map((line) => line.replaceAll(/\s+/g, ' ')),
      [
        '- prerouting filter ip mangle PREROUTING no match, goes on',
        '+ prerouting filter ip mangle PREROUTING',
        '+ rule 1 ACCEPT (of this base chain)',
      ],
    );
  });

  test('a batch about several nodes: for each line an answer of each node', async () => {
    const run = await cli(
      `${DELIVERED}\n${BAD}\n`,
      'explain',
      '--batch',
      '-',
      '--snapshot',
      'nftables.json',
      '--snapshot',
      'ipvs.json',
    );
    const answers = run.out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { line: number; node: string; ok?: boolean; error?: string });
    assert.deepEqual(
      answers.map(({ line, node, ok, error }) => [line, node, ok ?? typeof error]),
      [
        [1, 'nftables', true],
        [1, 'ipvs', true],
        [2, 'nftables', 'string'],
        [2, 'ipvs', 'string'],
      ],
    );
  });

  test('what is assumed because no dump tells it is said', async () => {
    writeFileSync(join(folder, 'rules.txt'), capturedFiles('iptables-nft', 'small').get('iptables-save.txt') ?? '');
    const run = await cli('', 'audit', '--iptables', 'rules.txt');
    assert.match(run.err, /no sysctl dump was given: the node is taken to forward packets/);
    assert.match(run.err, /no ip rule dump was given/);
  });

  test('audit -o json: each set of sources stands once, and the parts of an exposure cover its family exactly once', async () => {
    const { out } = await cli('', 'audit', '--snapshot', 'nftables.json', '-o', 'json');
    const { exposures, sets } = JSON.parse(out) as {
      exposures: readonly { family: 4 | 6; may: string; must: string; parts: readonly { sources: string }[] }[];
      sets: Readonly<Record<string, { family: 4 | 6; ranges: readonly string[] }>>;
    };
    assert.ok(exposures.length > 5);
    const told = Object.values(sets).map(({ family, ranges }) => `${family} ${ranges.join(' ')}`);
    assert.equal(new Set(told).size, told.length);
    const setOf = (name: string, family: 4 | 6): PrefixSet => {
      const set = sets[name];
      assert.equal(set?.family, family, name);
      return setOfRanges(family, (set?.ranges ?? []).map(readRange));
    };
    for (const { family, may, must, parts } of exposures) {
      assert.ok(isSubset(setOf(must, family), setOf(may, family)));
      let covered = NO_ADDRESS[family];
      for (const { sources } of parts) {
        assert.ok(isEmpty(intersection(covered, setOf(sources, family))));
        covered = union(covered, setOf(sources, family));
      }
      assert.ok(equals(covered, EVERY_ADDRESS[family]));
    }
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
