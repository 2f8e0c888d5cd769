import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { interleaved, line, median, middleAndLeast, printRatio, ratioOfRounds } from './measure.ts';

const PROGRAM = fileURLToPath(new URL('../bin/portcullis.js', import.meta.url));

const run =
  (...words: readonly string[]) =>
  (): number => {
    const start = performance.now();
    const { status } = spawnSync(process.execPath, words);
    if (status !== 0) throw new Error(`${words.join(' ')} failed`);
    return performance.now() - start;
  };

/** `portcullis --help` beside a Node that does nothing. */
const rounds = await interleaved(10, run('-e', '0'), run(PROGRAM, '--help'));
const ms = median(rounds.b);
line('portcullis --help', middleAndLeast(rounds.b), '<= 150 ms', ms <= 150);
line('  over a Node that does nothing', printRatio(ratioOfRounds(rounds)));
