import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { cliDocs } from './docs.ts';

test('docs/cli.md says what --help says (else: node scripts/write-cli-docs.ts)', () => {
  assert.equal(readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8'), cliDocs());
});
