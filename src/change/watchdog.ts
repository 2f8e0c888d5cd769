import { setTimeout as sleep } from 'node:timers/promises';
import { takeLock } from '../kernel/lock.ts';
import { clearPending, readPending } from '../kernel/pending.ts';
import { restoreState } from './put-in-force.ts';

// Started by armRollback: state directory, id of the pending change, milliseconds to wait.
const [directory = '', id = '', wait = '0'] = process.argv.slice(2);

const POLL_MS = 200;
const TRIES = 10;
const BETWEEN_TRIES_MS = 3000;

const isStillPending = (): boolean => readPending(directory)?.id === id;

const takeBack = async (): Promise<boolean> => {
  const lock = await takeLock(directory, 120_000);
  if (!lock.ok) return false;
  try {
    const pending = readPending(directory);
    if (pending?.id !== id) return true;
    const restored = await restoreState(directory, pending.previous);
    if (!restored.ok) {
      for (const { message, hint } of restored.problems)
        console.error(`taking the change back: ${message}${hint === undefined ? '' : `; ${hint}`}`);
      return false;
    }
    clearPending(directory);
    return true;
  } finally {
    lock.value.release();
  }
};

process.on('SIGHUP', () => undefined);
process.on('SIGINT', () => undefined);
process.stdout.on('error', () => undefined);
console.log('watching');
// A monotonic clock: a step of the wall clock must neither shorten nor lengthen the time to confirm.
const end = performance.now() + Number(wait);
while (performance.now() < end && isStillPending())
  await sleep(Math.min(POLL_MS, Math.max(0, end - performance.now())));
for (let tries = 0; tries < TRIES && isStillPending(); tries++) {
  if (await takeBack()) break;
  await sleep(BETWEEN_TRIES_MS);
}
