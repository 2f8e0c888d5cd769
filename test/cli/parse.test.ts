import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { capturedFiles } from '../support/captured-node.ts';
import { makeMachine, noMachines, runProgram, type Machine } from '../support/command-line.ts';
import { PORTCULLIS } from '../support/portcullis.ts';

describe('parse tells what was read of a dump', () => {
  let folder = '';
  before(() => (folder = mkdtempSync(join(tmpdir(), 'portcullis-parse-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const saved = capturedFiles('iptables-nft', 'small').get('iptables-save.txt') ?? '';
  const rows: readonly (readonly [fact: string, text: string, status: number, told: RegExp])[] = [
    ['all rules of a real dump are understood', saved, 0, /^246 of 246 rules understood \(100\.0 %\)$/m],
    [
      'a match that nobody knows: where it stands',
      '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m quake --mood 3 -j ACCEPT\nCOMMIT\n',
      0,
      /^dump\.txt:3:17 {2}warning: this match is not known, so whether the rule applies is unknown\n.*\n {4}\| +\^+$/m,
    ],
    ['the end is missing', saved.slice(0, 2000), 0, /the dump ends without COMMIT: its end is missing/],
    [
      'a fence around it, and Windows line ends',
      `\`\`\`\r\n${saved.replaceAll('\n', '\r\n')}\`\`\`\r\n`,
      0,
      /^246 of 246 rules understood/m,
    ],
    [
      'iptables -L: the command to run instead',
      'Chain INPUT (policy ACCEPT 0 packets, 0 bytes)\n pkts bytes target     prot opt in     out     source               destination\n',
      2,
      /iptables-save -c/,
    ],
    ['something else', 'root:x:0:0:root:/root:/bin/bash\n', 2, /not a dump that is known/],
    [
      'a dump without rules',
      'create KUBE-X hash:ip family inet hashsize 1024 maxelem 65536\n',
      0,
      /^1 dump, no rules$/m,
    ],
  ];
  for (const [fact, text, status, told] of rows)
    test(fact, async () => {
      writeFileSync(join(folder, 'dump.txt'), text);
      const run = await runProgram([...PORTCULLIS, 'parse', 'dump.txt'], {}, folder);
      assert.equal(run.status, status, run.err);
      assert.match(run.out + run.err, told);
    });

  test('a file that is not there, and no file at all', async () => {
    for (const [words, told] of [
      [['nowhere.txt'], /nowhere\.txt cannot be read: no such file/],
      [[], /FILE/],
    ] as const) {
      const run = await runProgram([...PORTCULLIS, 'parse', ...words], {}, folder);
      assert.equal(run.status, 2);
      assert.match(run.err, told);
    }
  });
});

describe('snapshot takes all of a node in one file', { skip: noMachines() }, () => {
  let machine: Machine;
  before(async () => {
    machine = await makeMachine('snapshot');
    await machine.run(
      'iptables-nft',
      '-t',
      'nat',
      '-A',
      'PREROUTING',
      '-p',
      'tcp',
      '--dport',
      '8080',
      '-j',
      'DNAT',
      '--to-destination',
      '192.0.2.20:80',
    );
  });
  after(() => machine.close());

  test('only its owner may read it; other commands take it; it holds no keys', async () => {
    const { status, err } = await machine.cli('snapshot', '-o', 'node.json');
    assert.equal(status, 0, err);
    assert.match(err, /^node\.json: \d+ dumps of \S+, [\d,]+ KiB$/m);
    const file = join(machine.folder, 'node.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const text = readFileSync(file, 'utf8');
    assert.doesNotMatch(text, /fastopen_key|stable_secret/);
    const { version, kernel, dumps } = JSON.parse(text) as {
      version: number;
      kernel: string;
      dumps: { begin: string; end: string }[];
    };
    assert.equal(version, 1);
    assert.match(kernel, /^\d+\.\d+/);
    for (const { begin, end } of dumps) assert.ok(Date.parse(begin) <= Date.parse(end));
    const explained = await machine.cli(
      'explain',
      '--from',
      '192.0.2.21',
      '--to',
      '192.0.2.10:8080',
      '--snapshot',
      'node.json',
    );
    assert.match(explained.out, /destination becomes 192\.0\.2\.20:80/);
    const audited = await machine.cli('audit', '--snapshot', 'node.json', '--all', '--port', '8080');
    assert.match(audited.out, /^8080\/tcp/m);
  });

  test('a place that cannot be written, and standard output', async () => {
    const wrong = await machine.cli('snapshot', '-o', '/proc/nowhere/node.json');
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /^error: \/proc\/nowhere\/node\.json cannot be written/m);
    const { out, status } = await machine.cli('snapshot');
    assert.deepEqual([status, (JSON.parse(out) as { kind: string }).kind], [0, 'Snapshot']);
  });
});
