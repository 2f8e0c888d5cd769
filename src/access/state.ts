import { fail, ok, type Diagnostic, type Result, type Source } from '../diagnostic/diagnostic.ts';
import { addressSet } from '../net/address-set.ts';
import { parsePrefix } from '../net/prefix.ts';
import type { Declared } from '../policy/model.ts';
import { readManifests } from '../policy/read-manifests.ts';
import type { Manifest } from '../policy/restrict.ts';
import { accessOf } from './access-of.ts';
import type { Access } from './model.ts';

/** What the user gave, as plain data: everything that the access of this node follows from. */
export interface StoredState {
  /** The manifests of the last `apply`. */
  readonly sources: readonly Source[];
  /** The policies of `restrict`, which an `apply` does not touch. */
  readonly restrictions: readonly Manifest[];
  readonly options: StoredOptions;
}

export interface StoredOptions {
  readonly nodeName: string | null;
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Prefixes. */
  readonly podCidrs: readonly string[];
  readonly standalone: boolean;
  readonly allowFailsafe: readonly number[];
}

export const EMPTY_STATE: StoredState = {
  sources: [],
  restrictions: [],
  options: { nodeName: null, nodeLabels: {}, podCidrs: [], standalone: false, allowFailsafe: [] },
};

/** Does a state ask for nothing at all? */
export const isEmptyState = ({ sources, restrictions }: StoredState): boolean =>
  sources.length === 0 && restrictions.length === 0;

const RESTRICT = 'portcullis restrict';

/** Nobody has seen the manifests that `restrict` writes: a place in them says nothing. */
const withoutPlace = (problem: Diagnostic): Diagnostic => {
  if (problem.source?.name !== RESTRICT) return problem;
  const { code, severity, message, hint } = problem;
  return { code, severity, message, ...(hint === undefined ? {} : { hint }) };
};

export interface Evaluated {
  readonly declared: Declared;
  readonly access: Access;
}

/** Works out what a state means. */
export const evaluateState = ({ sources, restrictions, options }: StoredState): Result<Evaluated> => {
  const declared = readManifests([
    ...sources,
    ...restrictions.map((manifest) => ({ name: RESTRICT, text: JSON.stringify(manifest) })),
  ]);
  if (!declared.ok) return fail(...declared.problems.map(withoutPlace));
  const podCidrs = options.podCidrs.map(parsePrefix);
  const wrong = podCidrs.flatMap((prefix) => (prefix.ok ? [] : prefix.problems));
  if (wrong.length > 0) return fail(...wrong);
  const access = accessOf(declared.value, {
    ...options,
    podCidrs: addressSet(podCidrs.flatMap((prefix) => (prefix.ok ? [prefix.value] : []))),
    extraFailsafes: [],
  });
  if (!access.ok) return fail(...[...declared.warnings, ...access.problems].map(withoutPlace));
  return ok(
    { declared: declared.value, access: access.value },
    [...declared.warnings, ...access.warnings].map(withoutPlace),
  );
};
