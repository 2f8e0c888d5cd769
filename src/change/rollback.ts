import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StoredState } from '../access/state.ts';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { clearPending, writePending } from '../kernel/pending.ts';

const WATCHDOG = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './watchdog.ts' : './watchdog.js', import.meta.url),
);

/**
 * Starts the process that brings `previous` back after `ms` milliseconds unless `pending.json` is gone by then. It has
 * a session of its own (setsid(2)), so that neither the end of the terminal nor a kill -9 of this command ends it.
 * Returns once it watches.
 */
export const armRollback = async (directory: string, previous: StoredState, ms: number): Promise<Result<null>> => {
  const id = randomUUID();
  writePending(directory, { id, deadline: Date.now() + ms, previous });
  const log = openSync(join(directory, 'watchdog.log'), 'a', 0o600);
  const child = spawn(process.execPath, [WATCHDOG, directory, id, String(ms)], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'pipe', log],
  });
  closeSync(log);
  const { stdout } = child;
  if (stdout === null) throw new Error('a pipe was asked for');
  const watches = await Promise.race([
    once(stdout, 'data').then(() => true),
    once(child, 'exit').then(() => false),
    once(child, 'error').then(() => false),
  ]);
  stdout.destroy();
  child.unref();
  if (watches) return ok(null);
  clearPending(directory);
  return fail(
    error(
      'watchdog',
      'the process that would take the change back cannot be started',
      undefined,
      `See ${join(directory, 'watchdog.log')}`,
    ),
  );
};
