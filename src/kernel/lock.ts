import { linkSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { makeFolder } from './atomic-file.ts';

/** Holds the state directory until `release` is called or the process ends. */
export interface Lock {
  readonly release: () => void;
}

/**
 * Field 22 of /proc/PID/stat (proc(5)) tells a process from a later one with the same number; null: no such process.
 */
const startedAt = (pid: number): string | null => {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '';
    return afterName.split(' ')[19] ?? null;
  } catch {
    return null;
  }
};

const holderOf = (path: string): { readonly text: string; readonly pid: number; readonly alive: boolean } | null => {
  try {
    const text = readFileSync(path, 'utf8');
    const [pid, started] = text.trim().split(' ');
    return { text, pid: Number(pid), alive: startedAt(Number(pid)) === started };
  } catch {
    return null;
  }
};

/** Does this process hold the lock now? Where nothing can be written at all: why. */
const tryTake = (directory: string, path: string): Result<boolean> => {
  const own = `${path}.${process.pid}`;
  try {
    makeFolder(directory);
    writeFileSync(own, `${process.pid} ${startedAt(process.pid)}\n`, { mode: 0o600 });
  } catch (problem) {
    // Another command's release takes the empty directory away: then it is made once more.
    if (problem instanceof Error && 'code' in problem && problem.code === 'ENOENT') return ok(false);
    const why = problem instanceof Error ? problem.message : String(problem);
    return fail(error('state-unwritable', `nothing can be stored in ${directory}: ${why}`));
  }
  try {
    linkSync(own, path);
    return ok(true);
  } catch {
    return ok(false);
  } finally {
    rmSync(own, { force: true });
  }
};

/** Takes a dead holder's lock away; a living one's that came in between is put back. */
const clearStale = (path: string, stale: string): void => {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, path);
  } catch {
    // Another process was faster.
  } finally {
    rmSync(aside, { force: true });
  }
};

const RETRY_MS = 50;

/** Takes the lock of a state directory; waits up to `patienceMs` for another command to end, then fails. */
export const takeLock = async (directory: string, patienceMs = 60_000): Promise<Result<Lock>> => {
  const path = join(directory, 'lock');
  for (let waited = 0; ; waited += RETRY_MS) {
    const taken = tryTake(directory, path);
    if (!taken.ok) return taken;
    if (taken.value) break;
    const holder = holderOf(path);
    if (holder !== null && !holder.alive) {
      clearStale(path, holder.text);
      continue;
    }
    if (waited >= patienceMs)
      return fail(
        error(
          'locked',
          `another portcullis is at work (process ${holder?.pid ?? 'unknown'})`,
          undefined,
          'Wait until it has ended',
        ),
      );
    await sleep(RETRY_MS);
  }
  const release = (): void => {
    rmSync(path, { force: true });
    try {
      // Of a directory that holds no state nothing stays behind.
      rmdirSync(directory);
    } catch {
      // It holds something.
    }
  };
  return ok({ release });
};
