import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { evaluateState, isEmptyState, type Evaluated, type StoredState } from '../access/state.ts';
import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { removeState, writeState } from '../kernel/state-store.ts';
import type { Enforced } from './enforce.ts';
import { openEnforcer, type Enforcer } from './enforcer.ts';
import type { Cut } from './plan/cut.ts';

/** What came of putting a state in force; null where it asks for nothing, so that the kernel holds nothing either. */
export type InForce = Enforced | null;

/**
 * The kernel first, then the file: a command that is killed in between leaves the kernel guarded and the file old,
 * which `verify` shows and the next `apply` mends. The other way round a reboot in between would enforce what never
 * was. `cut`: what was found out about tracked connections just now, so that they are not listed twice.
 */
export const putInForce = async (
  directory: string,
  state: StoredState,
  { access }: Evaluated,
  enforcer: Enforcer,
  cut: Cut | null = null,
): Promise<Result<InForce>> => {
  if (isEmptyState(state)) {
    const removed = await enforcer.remove();
    if (!removed.ok) return removed;
    forget(directory);
    return ok(null);
  }
  const enforced = await enforcer.apply(access, cut);
  if (!enforced.ok) return enforced;
  const written = writeState(directory, state, access);
  return written.ok ? ok(enforced.value) : written;
};

/** Puts the stored state back into the kernel, for after a reboot or a rollback, sweep included. */
export const restoreState = async (directory: string, state: StoredState): Promise<Result<InForce>> => {
  const evaluated = evaluateState(state);
  if (!evaluated.ok) return evaluated;
  const enforcer = openEnforcer();
  const inForce = await putInForce(directory, state, evaluated.value, enforcer);
  const closed = await enforcer.close();
  return inForce.ok && !closed.ok ? closed : inForce;
};

/** The directory itself goes with the lock. */
const forget = (directory: string): void => {
  removeState(directory);
  rmSync(join(directory, 'watchdog.log'), { force: true });
};
