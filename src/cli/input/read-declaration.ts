import { hostname } from 'node:os';
import type { StoredState } from '../../access/state.ts';
import { stateWith, type Wish } from '../../change/plan/wish.ts';
import { fail, ok, type Result } from '../../diagnostic/diagnostic.ts';
import type { Context } from '../output/context.ts';
import type { MachineFlags } from './flags.ts';
import { readOptions } from './read-arguments.ts';
import { readFiles } from './read-files.ts';

/** Flags with what is true about the machine. */
export type DeclarationFlags = MachineFlags & { readonly allowFailsafe?: readonly string[] };

/** The wish that the manifests of some files become the whole declared set, with the options that were given. */
export const readDeclaration = async (
  context: Context,
  files: readonly string[],
  flags: DeclarationFlags,
): Promise<Result<Wish>> => {
  const [sources, options] = [await readFiles(context, files), readOptions(flags)];
  const problems = [sources, options].flatMap((result) => (result.ok ? [] : [...result.problems]));
  if (!sources.ok || !options.ok) return fail(...problems);
  return ok(
    { kind: 'declare', sources: sources.value, options: { ...options.value, hostName: hostname() } },
    sources.warnings,
  );
};

/** `state` with the manifests of some files as its whole declared set. */
export const withFiles = async (
  context: Context,
  state: StoredState,
  files: readonly string[],
  flags: DeclarationFlags,
): Promise<Result<StoredState>> => {
  const wish = await readDeclaration(context, files, flags);
  return wish.ok ? stateWith(state, wish.value) : wish;
};
