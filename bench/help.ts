import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interleaved, line, median, middleAndLeast, printRatio, ratioOfRounds } from './measure.ts';

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

const run =
  (...words: readonly string[]) =>
  (): number => {
    const start = performance.now();
    const { status } = spawnSync(process.execPath, words);
    if (status !== 0) throw new Error(`${words.join(' ')} failed`);
    return performance.now() - start;
  };

const built = spawnSync(process.execPath, [at('scripts/build.ts')], { stdio: 'inherit' });
if (built.status !== 0) throw new Error('the build failed');
/** What `npm pack` takes, without the source. */
const published = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
for (const part of ['bin', 'dist', 'package.json']) cpSync(at(part), join(published, part), { recursive: true });

/** `portcullis --help` as it is published, and as a checkout runs it, beside a Node that does nothing. */
for (const [name, program] of [
  ['portcullis --help, as published', join(published, 'bin/portcullis.js')],
  ['portcullis --help, from the source', at('bin/portcullis.js')],
] as const) {
  const rounds = await interleaved(10, run('-e', '0'), run(program, '--help'));
  const ms = median(rounds.b);
  line(name, middleAndLeast(rounds.b), '<= 150 ms', ms <= 150);
  line('  over a Node that does nothing', printRatio(ratioOfRounds(rounds)));
}
rmSync(published, { recursive: true });
