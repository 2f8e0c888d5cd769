import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';

/**
 * For bundles: what a module of ours reads as `import.meta.url`, an expression that `placeOf` gives for its path,
 * though its code then lies in a file somewhere else.
 */
export const ownPlace = (placeOf: (path: string) => string): Plugin => ({
  name: 'own-place',
  setup: (bundle) => {
    bundle.onLoad({ filter: /\/(?:src|test)\/.*\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', placeOf(path)),
    }));
  },
});

/** yaml is CommonJS for Node. */
export const REQUIRE =
  "import { createRequire as nodeRequire } from 'node:module'; const require = nodeRequire(import.meta.url);";
