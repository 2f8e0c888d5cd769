import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

const ROOT = new URL('..', import.meta.url).pathname;
const MOST = 120;

const sources = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:ts|js|mjs)$/.test(file))
    .map((file) => join(folder, file));

const isProse = (line: string): boolean => /^\s*(?:\/\/|\*|\/\*\*)/.test(line);

describe(`comments are at most ${MOST} characters wide`, () => {
  for (const folder of ['bench', 'bin', 'scripts', 'src', 'test'])
    test(`in ${folder}/`, () => {
      const wide = sources(folder).flatMap((file) =>
        readFileSync(join(ROOT, file), 'utf8')
          .split('\n')
          .flatMap((line, index) => (isProse(line) && line.length > MOST ? [`${file}:${index + 1}`] : [])),
      );
      assert.deepEqual(wide, []);
    });
});
