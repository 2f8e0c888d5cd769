import { mkdirSync, writeFileSync } from 'node:fs';
import { crds } from '../src/policy/crds.ts';

// npm run crds: writes deploy/crds/ from the schema in src/policy.

const folder = new URL('../deploy/crds/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const { file, text } of crds()) {
  writeFileSync(new URL(file, folder), text);
  console.log(`deploy/crds/${file}`);
}
