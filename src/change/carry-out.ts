import { newlyCut, type CutFlow } from '../access/flow.ts';
import type { Diagnostic, Result } from '../diagnostic/diagnostic.ts';
import { localAddresses } from '../kernel/local-addresses.ts';
import { clearPending } from '../kernel/pending.ts';
import type { Enforcer } from './enforcer.ts';
import type { Plan } from './plan/plan.ts';
import { putInForce, type InForce } from './put-in-force.ts';
import { armRollback } from './rollback.ts';

/** What happens while a plan is carried out, in this order. */
export type ChangeEvent =
  /** A process of its own takes the change back unless it is confirmed within so many milliseconds. */
  | { readonly kind: 'rollback-armed'; readonly ms: number }
  | { readonly kind: 'begun' }
  /** The kernel and the file hold it. `cut`: the connections that were let through before and are not any more. */
  | { readonly kind: 'in-force'; readonly inForce: InForce; readonly cut: readonly CutFlow[] }
  /** It has failed. What holds is in the problems. */
  | { readonly kind: 'failed'; readonly problems: readonly Diagnostic[] };

/**
 * Carries out a plan: arms the rollback, puts the state in force, stores it. `directory`: where the state is stored,
 * whose lock the caller holds. What nothing refers to any more is swept by the enforcer later. Problems: those of the
 * last event.
 */
export const carryOut = async (
  plan: Plan,
  directory: string,
  enforcer: Enforcer,
  tell: (event: ChangeEvent) => Promise<void> | void,
): Promise<Result<InForce>> => {
  const failed = async (problems: readonly Diagnostic[]): Promise<Result<InForce>> => {
    await tell({ kind: 'failed', problems });
    return { ok: false, problems };
  };
  const { previous, state, evaluated, confirmMs } = plan;
  if (confirmMs !== null) {
    const armed = await armRollback(directory, previous, confirmMs);
    if (!armed.ok) return failed(armed.problems);
    await tell({ kind: 'rollback-armed', ms: confirmMs });
  }
  await tell({ kind: 'begun' });
  const inForce = await putInForce(directory, state, evaluated, enforcer, plan.cut);
  if (!inForce.ok) {
    if (confirmMs !== null) clearPending(directory);
    return failed(inForce.problems);
  }
  if (plan.takesBack && confirmMs === null) clearPending(directory);
  const cut = inForce.value === null ? plan.newlyCut : newlyCut(inForce.value.cut, plan.accessBefore, localAddresses());
  await tell({ kind: 'in-force', inForce: inForce.value, cut });
  return inForce;
};
