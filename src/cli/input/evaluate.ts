import { evaluateState, type Evaluated, type StoredState } from '../../access/state.ts';
import { fail, ok, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import { readState } from '../../kernel/state-store.ts';
import type { Context } from '../output/context.ts';
import type { MachineFlags } from './flags.ts';
import { readOptions } from './read-arguments.ts';
import { readFiles } from './read-files.ts';

/** Flags with manifests and what is true about the machine. */
export type InputFlags = MachineFlags & { readonly allowFailsafe?: readonly string[] };

/** `state` with the given files as its whole declared set, and the options that were given. */
export const withFiles = async (
  context: Context,
  state: StoredState,
  files: readonly string[],
  flags: InputFlags,
): Promise<Result<StoredState>> => {
  const [sources, options] = [await readFiles(context, files), readOptions(flags, state.options)];
  const problems = [sources, options].flatMap((result) => (result.ok ? [] : [...result.problems]));
  if (!sources.ok || !options.ok) return fail(...problems);
  return ok({ ...state, sources: sources.value, options: options.value });
};

/** The stored state and what it means; `evaluated` is null, with the reasons among the problems, where that cannot be worked out any more. */
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
