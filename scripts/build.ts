// npm run build: the command line as few files that start fast, in dist/. What is published runs from there; a checkout runs from src/.
import { cpSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = resolve(ROOT, 'src');
const DIST = resolve(ROOT, 'dist');
/** Complete before it takes the place of what was built before. */
const FRESH = resolve(ROOT, `dist-${process.pid}`);

/** Files that modules look for beside themselves. */
const BESIDE = ['lab/data', 'lab/programs'];

/** A module keeps its own place though its code lies in a chunk: every file of dist/ is one folder deep. */
const ownPlace: Plugin = {
  name: 'own-place',
  setup: (bundle) => {
    bundle.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const place = relative(SOURCE, path).replace(/\.ts$/, '.js');
      return {
        loader: 'ts',
        contents: text.replaceAll('import.meta.url', `new URL(${JSON.stringify(`../${place}`)}, import.meta.url).href`),
      };
    });
  },
};

await build({
  // The demo is here for the virtual machine in which it may run: an emulated processor takes seconds to load a hundred modules.
  entryPoints: ['src/cli/main.ts', 'src/kernel/watchdog.ts', 'src/lab/demo.ts'],
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
  // yaml is CommonJS for Node.
  banner: {
    js: "import { createRequire as nodeRequire } from 'node:module'; const require = nodeRequire(import.meta.url);",
  },
  plugins: [ownPlace],
});
for (const folder of BESIDE) cpSync(resolve(SOURCE, folder), resolve(FRESH, folder), { recursive: true });
rmSync(DIST, { recursive: true, force: true });
renameSync(FRESH, DIST);
