import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

// The page that shows the ways through the house names real files.

const CHECKOUT = fileURLToPath(new URL('../', import.meta.url));

for (const page of ['docs/architecture.md', 'CONTRIBUTING.md'])
  describe(page, () => {
    const text = readFileSync(`${CHECKOUT}${page}`, 'utf8');
    const named = [...text.matchAll(/`((?:src|test|scripts|bin|docs|deploy)\/[\w./-]+|oxlint\.config\.ts)`/g)].map(
      ([, path]) => path ?? '',
    );
    test('names files and folders', () => assert.ok(named.length > 10, `${named.length}`));
    for (const path of new Set(named)) test(`${path} is there`, () => assert.ok(existsSync(`${CHECKOUT}${path}`)));
  });
