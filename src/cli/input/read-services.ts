import { ok, type Result } from '../../diagnostic/diagnostic.ts';
import type { Service } from '../../policy/model.ts';
import { readManifests } from '../../policy/read-manifests.ts';
import type { Context } from '../output/context.ts';
import { readFiles } from './read-files.ts';

/** The Services in the manifests behind `--services`; null where none are given. */
export const readServices = async (
  context: Context,
  names: readonly string[] | undefined,
): Promise<Result<readonly Service[] | null>> => {
  if (names === undefined) return ok(null);
  const sources = await readFiles(context, names);
  const declared = sources.ok ? readManifests(sources.value) : sources;
  return declared.ok ? ok(declared.value.services) : declared;
};
