import { error, fail, ok, type Diagnostic, type Result } from '../diagnostic/diagnostic.ts';
import { addressSet } from '../net/address-set.ts';
import type { Prefix } from '../net/prefix.ts';
import type { ManifestSource } from '../policy/manifest-document.ts';
import type { ClusterNodePortPolicy, Declared, Policy } from '../policy/model.ts';
import { atOrigin } from '../policy/origin.ts';
import { readManifests } from '../policy/read-manifests.ts';
import { restrictionPolicy, type Restriction } from '../policy/restrict.ts';
import { accessOf } from './access-of.ts';
import type { Access } from './model.ts';

/** What the user gave, as data: everything that the access of this node follows from. */
export interface StoredState {
  /** The manifests of the last `apply`. */
  readonly sources: readonly ManifestSource[];
  /** Those of `restrict`, which an `apply` does not touch. */
  readonly restrictions: readonly Restriction[];
  readonly options: StoredOptions;
}

export interface StoredOptions {
  readonly nodeName: string | null;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly podCidrs: readonly Prefix[];
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

export interface Evaluated {
  readonly declared: Declared;
  readonly access: Access;
}

/** A manifest may not bear the name of a restriction: one of the two would be lost. */
const namedTwice = (policies: readonly Policy[], restrictions: readonly ClusterNodePortPolicy[]): Diagnostic[] => {
  const names = new Set(restrictions.map(({ name }) => name));
  return policies
    .filter(({ kind, name }) => kind === 'ClusterNodePortPolicy' && names.has(name))
    .map(({ kind, name, origin }) =>
      atOrigin(
        error(
          'given-twice',
          `${kind} ${name} is there already, by portcullis restrict`,
          undefined,
          `Give it another name, or take the other away: portcullis remove ${name.slice('restrict-'.length).replace(/-(tcp|udp|sctp)$/, '/$1')}`,
        ),
        origin,
      ),
    );
};

/** Works out what a state means. */
export const evaluateState = ({ sources, restrictions, options }: StoredState): Result<Evaluated> => {
  const read = readManifests(sources);
  if (!read.ok) return read;
  const restricting = restrictions.map(restrictionPolicy);
  const twice = namedTwice(read.value.policies, restricting);
  if (twice.length > 0) return fail(...twice);
  const declared = { ...read.value, policies: [...read.value.policies, ...restricting] };
  const access = accessOf(declared, { ...options, podCidrs: addressSet(options.podCidrs), extraFailsafes: [] });
  if (!access.ok) return fail(...read.warnings, ...access.problems);
  return ok({ declared, access: access.value }, [...read.warnings, ...access.warnings]);
};
