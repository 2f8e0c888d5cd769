import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseIptables } from '../src/parse/iptables/iptables-save.ts';
import { kubeProxyRules } from './kube-proxy-rules.ts';
import { interleaved, line, median, milliseconds, printRatio, ratioOfRounds, timed } from './measure.ts';
import { inOwnNamespace } from './namespace.ts';

const SERVICES = 9_000;
const ROUNDS = 7;
/** In MB. */
const MOST_MEMORY = 450;

/** A dump of one's own instead of the made one, e.g. of a large node. */
const GIVEN = process.env['PORTCULLIS_BENCH_IPTABLES'];

/** Reads one file in this fresh process and prints what it took: milliseconds and MB. */
const readOnce = (file: string): void => {
  const text = readFileSync(file, 'utf8');
  const start = performance.now();
  const read = parseIptables({ name: file, text });
  const took = performance.now() - start;
  if (!read.ok) throw new Error('the dump was not read');
  console.log(JSON.stringify({ took, memory: process.memoryUsage.rss() / 1e6, rules: read.value.rules }));
};

/** What reading a large dump takes, over what iptables-legacy-restore needs to read it. */
const run = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  const file = GIVEN ?? join(folder, 'iptables-save.txt');
  if (GIVEN === undefined) writeFileSync(file, kubeProxyRules(SERVICES).text);
  const memory: number[] = [];
  let rules = 0;
  const input = readFileSync(file);
  const theirs = () =>
    timed(() => {
      const { status, stderr } = spawnSync('iptables-legacy-restore', ['--test'], { input });
      if (status !== 0) throw new Error(stderr.toString().slice(0, 500));
    });
  const ours = () => {
    const { stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--once', file], {
      encoding: 'utf8',
    });
    const said = JSON.parse(stdout) as { took: number; memory: number; rules: number };
    memory.push(said.memory);
    rules = said.rules;
    return Promise.resolve(said.took);
  };
  const rounds = await interleaved(ROUNDS, theirs, ours);
  rmSync(folder, { recursive: true });
  const ratio = ratioOfRounds(rounds);
  const most = Math.max(...memory);
  line(
    `iptables-legacy-restore --test, ${rules} rules, ${(input.length / 1e6).toFixed(1)} MB`,
    milliseconds(median(rounds.a)),
  );
  line('reading and indexing the same in a fresh process', milliseconds(median(rounds.b)));
  line('  over iptables-legacy-restore --test', printRatio(ratio), '<= 0.8', ratio.middle <= 0.8);
  line('  memory of the process', `${most.toFixed(0)} MB`, `<= ${MOST_MEMORY} MB`, most <= MOST_MEMORY);
};

if (process.argv[2] === '--once') readOnce(process.argv[3] ?? '');
else await inOwnNamespace(import.meta.url, run);
