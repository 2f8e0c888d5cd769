import { build } from 'esbuild';
import { pathToFileURL } from 'node:url';
import { ownPlace, REQUIRE } from './own-place.ts';

// node scripts/bundle-tests.ts FOLDER FILE...: each file of test/ with all that it imports as one file in the folder.

const [outdir, ...entryPoints] = process.argv.slice(2);
if (outdir === undefined) throw new Error('usage: node scripts/bundle-tests.ts FOLDER FILE...');

await build({
  entryPoints,
  entryNames: '[name]',
  outdir,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  logLevel: 'warning',
  banner: { js: REQUIRE },
  plugins: [ownPlace((path) => JSON.stringify(pathToFileURL(path).href))],
});
