// npm run build [-- FOLDER]: the command line as few files that start fast, in dist/ or that folder. What is published
// runs from there; a checkout runs from src/.
import { cpSync, renameSync, rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { ownPlace, REQUIRE } from './own-place.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = resolve(ROOT, 'src');
const DIST = resolve(ROOT, process.argv[2] ?? 'dist');
/** Complete before it takes the place of what was built before. */
const FRESH = `${DIST}-${process.pid}`;

/** Files that modules look for beside themselves. */
const BESIDE = ['lab/data', 'lab/programs'];

await build({
  // The demo is here for the virtual machine in which it may run: an emulated processor takes seconds to load a hundred
  // modules.
  entryPoints: ['src/cli/main.ts', 'src/change/watchdog.ts', 'src/lab/demo.ts'],
  absWorkingDir: ROOT,
  outbase: SOURCE,
  outdir: FRESH,
  chunkNames: 'chunks/[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  legalComments: 'linked',
  logLevel: 'warning',
  banner: { js: REQUIRE },
  // Every file of dist/ is one folder deep.
  plugins: [
    ownPlace((path) => {
      const place = relative(SOURCE, path).replace(/\.ts$/, '.js');
      return `new URL(${JSON.stringify(`../${place}`)}, import.meta.url).href`;
    }),
  ],
});
for (const folder of BESIDE) cpSync(resolve(SOURCE, folder), resolve(FRESH, folder), { recursive: true });
rmSync(DIST, { recursive: true, force: true });
renameSync(FRESH, DIST);
