import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const INSIDE = 'PORTCULLIS_BENCH_NAMESPACE';

/**
 * Runs a bench in a network namespace of its own: starts its file anew in there, and removes the namespace afterwards.
 */
export const inOwnNamespace = async (url: string, run: () => Promise<void>): Promise<void> => {
  if (process.env[INSIDE] !== undefined) return run();
  const name = `pclab-bench-${process.pid}`;
  spawnSync('ip', ['netns', 'add', name], { stdio: 'inherit' });
  try {
    const { status } = spawnSync('ip', ['netns', 'exec', name, process.execPath, fileURLToPath(url)], {
      stdio: 'inherit',
      env: { ...process.env, [INSIDE]: name },
    });
    process.exitCode = status ?? 1;
  } finally {
    spawnSync('ip', ['netns', 'delete', name]);
  }
};
