import { serviceNames, type ServiceNames } from '../audit/service-names.ts';
import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { readManifests } from '../policy/read-manifests.ts';
import type { Context } from './context.ts';
import { readFiles } from './read-files.ts';

/** What the manifests behind `--services` call the Services; null where none are given. */
export const readServiceNames = async (
  context: Context,
  names: readonly string[] | undefined,
): Promise<Result<ServiceNames | null>> => {
  if (names === undefined) return ok(null);
  const sources = await readFiles(context, names);
  const declared = sources.ok ? readManifests(sources.value) : sources;
  return declared.ok ? ok(serviceNames(declared.value.services)) : declared;
};
