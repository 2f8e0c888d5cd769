import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { HOSTILE_TEXTS } from './support/hostile-texts.ts';

/** Enough for the largest text that is accepted (2,000,000 words and signs); none of the hostile ones may need more. */
const MEMORY_MB = 800;

describe(`hostile manifests are refused within ${MEMORY_MB} MB of memory`, () => {
  const script = new URL('support/read-hostile-texts.ts', import.meta.url).pathname;
  const { stdout, stderr } = spawnSync(process.execPath, [`--max-old-space-size=${MEMORY_MB}`, script], {
    encoding: 'utf8',
  });
  const answers = stdout.trim().split('\n');
  for (const [index, [what, answer]] of HOSTILE_TEXTS.entries())
    test(`${what}: ${answer}`, () => assert.equal(answers[index], answer, stderr.slice(0, 500)));
});
