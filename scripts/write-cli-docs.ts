import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cliDocs } from '../src/cli/docs.ts';

// Writes docs/cli.md; a test fails when it is stale.
writeFileSync(fileURLToPath(new URL('../docs/cli.md', import.meta.url)), cliDocs());
