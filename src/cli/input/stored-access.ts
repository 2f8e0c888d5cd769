import { evaluateState, type Evaluated, type StoredState } from '../../access/state.ts';
import { ok, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import { readState } from '../../kernel/state-store.ts';

/**
 * The stored state and what it means; `evaluated` is null, with the reasons among the problems, where that cannot be
 * worked out any more.
 */
export interface Stored {
  readonly state: StoredState;
  readonly evaluated: Evaluated | null;
  readonly problems: readonly Diagnostic[];
}

export const storedAccess = (directory: string): Result<Stored> => {
  const state = readState(directory);
  if (!state.ok) return state;
  const evaluated = evaluateState(state.value);
  return ok({
    state: state.value,
    evaluated: evaluated.ok ? evaluated.value : null,
    problems: evaluated.ok ? evaluated.warnings : evaluated.problems,
  });
};
