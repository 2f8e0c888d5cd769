import { isEmptyState } from '../access/state.ts';
import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { clearPending, readPending } from '../kernel/pending.ts';
import { readState } from '../kernel/state-store.ts';
import { restoreState, type InForce } from './put-in-force.ts';
import { armRollback } from './rollback.ts';

/** What came of putting back what is stored. */
export type PutBack =
  | { readonly kind: 'nothing-stored' }
  /** `tookBack`: a change that nobody had confirmed in time was taken back. */
  | { readonly kind: 'in-force'; readonly inForce: InForce; readonly tookBack: boolean };

/**
 * Puts the stored state back into the kernel, above all after a reboot. A change that still waits for its confirmation
 * is put back as well, and watched over anew; one that was not confirmed in time is taken back. `directory`: where the
 * state is stored, whose lock the caller holds.
 */
export const putBack = async (directory: string): Promise<Result<PutBack>> => {
  const pending = readPending(directory);
  const left = pending === null ? 0 : pending.deadline - Date.now();
  const tookBack = pending !== null && left <= 0;
  const stored = readState(directory);
  if (!tookBack && !stored.ok) return stored;
  const state = tookBack ? pending.previous : stored.ok ? stored.value : pending?.previous;
  if (state === undefined || (isEmptyState(state) && !tookBack)) return ok({ kind: 'nothing-stored' });
  if (pending !== null && !tookBack) {
    // Whoever watched over it may be gone with the reboot.
    const armed = await armRollback(directory, pending.previous, left);
    if (!armed.ok) return armed;
  }
  const inForce = await restoreState(directory, state);
  if (!inForce.ok) return inForce;
  if (tookBack) clearPending(directory);
  return ok({ kind: 'in-force', inForce: inForce.value, tookBack });
};
