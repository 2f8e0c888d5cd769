import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { evaluateState, isEmptyState, type Evaluated, type StoredState } from '../access/state.ts';
import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { enforce, unenforce, type Enforced } from './enforce.ts';
import type { Cut } from './reply-places.ts';
import { removeState, writeState } from './state-store.ts';

/** What came of putting a state in force; null where it asks for nothing, so that the kernel holds nothing either. */
export type InForce = Enforced | null;

/**
 * The kernel first, then the file: a command that is killed in between leaves the kernel guarded and the file old, which `verify` shows
 * and the next `apply` mends. The other way round a reboot in between would enforce what never was. `cut`: what was found out about tracked
 * connections just now, so that they are not listed twice.
 */
export const putInForce = async (
  directory: string,
  state: StoredState,
  { access }: Evaluated,
  cut: Cut | null = null,
): Promise<Result<InForce>> => {
  if (isEmptyState(state)) {
    const removed = await unenforce();
    if (!removed.ok) return removed;
    forget(directory);
    return ok(null);
  }
  const enforced = await enforce(access, { cut });
  if (!enforced.ok) return enforced;
  const written = writeState(directory, state, access);
  return written.ok ? ok(enforced.value) : written;
};

/** Puts the stored state back into the kernel, for after a reboot or a rollback, sweep included. */
export const restoreState = async (directory: string, state: StoredState): Promise<Result<InForce>> => {
  const evaluated = evaluateState(state);
  if (!evaluated.ok) return evaluated;
  const inForce = await putInForce(directory, state, evaluated.value);
  if (!inForce.ok || inForce.value === null) return inForce;
  const finished = await inForce.value.finish();
  return finished.ok ? inForce : finished;
};

/** The directory itself goes with the lock. */
const forget = (directory: string): void => {
  removeState(directory);
  rmSync(join(directory, 'watchdog.log'), { force: true });
};
