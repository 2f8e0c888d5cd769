import {
  addressDifference,
  addressIntersection,
  everyone,
  isNobody,
  sameAddresses,
  type AddressSet,
} from '../net/address-set.ts';
import { comparedPlaces } from './compared-places.ts';
import { guardsOf, type GuardOf } from './guard-of.ts';
import type { Access, ExposureAccess, Part, Selection } from './model.ts';

/** Sources that gain or lose an exposure, and what decides about them now (or decided before). */
export interface ChangedPart {
  readonly sources: AddressSet;
  readonly because: string;
}

/** How the access to one exposure changes. */
export interface ExposureChange {
  readonly exposure: ExposureAccess;
  readonly gained: readonly ChangedPart[];
  readonly lost: readonly ChangedPart[];
  /** Whether it was guarded before and is guarded afterwards. */
  readonly guardedBefore: boolean;
  readonly guardedAfter: boolean;
  /** The refusal changes between drop and reject, or what Audit policies would do, though nobody gains or loses. */
  readonly otherwiseChanged: boolean;
}

export interface AccessDifference {
  readonly changes: readonly ExposureChange[];
  /** Guarded exposures that stay as they are. */
  readonly unchanged: number;
}

const UNGUARDED: readonly Part[] = [{ sources: everyone, verdict: 'allow', because: 'no policy selects it' }];

/** Who gains and who loses what between two states; null stands for "nothing was guarded". */
export const accessDifference = (before: Access | null, after: Access | null): AccessDifference => {
  const [old, fresh] = [before ?? NOTHING, after ?? NOTHING];
  const [oldGuard, freshGuard] = [guardsOf(old), guardsOf(fresh)];
  const changes: ExposureChange[] = [];
  let unchanged = 0;
  for (const { exposure, port } of comparedPlaces(old, fresh, oldGuard, freshGuard)) {
    const [was, is] = [selectionAt(old, oldGuard, exposure, port), selectionAt(fresh, freshGuard, exposure, port)];
    const [had, has] = [was?.parts ?? UNGUARDED, is?.parts ?? UNGUARDED];
    const { gained, lost } = fateOf(had, has);
    const otherwiseChanged = had !== has && gained.length === 0 && lost.length === 0 && !sameTreatment(was, is);
    if (gained.length > 0 || lost.length > 0 || otherwiseChanged)
      changes.push({
        exposure,
        gained,
        lost,
        guardedBefore: had !== UNGUARDED,
        guardedAfter: has !== UNGUARDED,
        otherwiseChanged,
      });
    else if (has !== UNGUARDED) unchanged++;
  }
  return { changes, unchanged };
};

/** Who gains and who loses between two lists of parts. */
interface Fate {
  readonly gained: readonly ChangedPart[];
  readonly lost: readonly ChangedPart[];
}

/** Thousands of exposures share few selections: each pair of those is compared once, and its result is one object. */
const fates = new WeakMap<readonly Part[], WeakMap<readonly Part[], Fate>>();

const fateOf = (had: readonly Part[], has: readonly Part[]): Fate => {
  const byAfter = fates.get(had) ?? new WeakMap<readonly Part[], Fate>();
  fates.set(had, byAfter);
  const known = byAfter.get(has);
  if (known !== undefined) return known;
  const fate = {
    gained: changed(had, has),
    lost: changed(has, had).map(({ sources, because }) => ({ sources, because: reasonNow(has, sources) ?? because })),
  };
  byAfter.set(has, fate);
  return fate;
};

const NOTHING: Access = { exposures: [], selections: new Map(), groups: new Map(), warnings: [] };

const selectionAt = (
  access: Access,
  guard: GuardOf,
  { protocol, address }: ExposureAccess,
  port: number,
): Selection | undefined => access.selections.get(guard(protocol, port, address ?? 'local')?.selection ?? '');

/** The sources that `to` allows and `from` does not, by the parts of `to`. */
const changed = (from: readonly Part[], to: readonly Part[]): readonly ChangedPart[] =>
  to
    .filter(({ verdict }) => verdict === 'allow')
    .flatMap(({ sources, because }) =>
      from
        .filter(({ verdict }) => verdict !== 'allow')
        .map((part) => ({ sources: addressIntersection(sources, part.sources), because })),
    )
    .filter(({ sources }) => !isNobody(sources));

const reasonNow = (parts: readonly Part[], sources: AddressSet): string | null =>
  parts.find((part) => part.verdict !== 'allow' && isNobody(addressDifference(sources, part.sources)))?.because ?? null;

const sameTreatment = (had: Selection | undefined, has: Selection | undefined): boolean =>
  had === undefined ||
  has === undefined ||
  (sameAddresses(had.rejected, has.rejected) &&
    sameAddresses(had.wouldRefuse, has.wouldRefuse) &&
    sameAddresses(had.wouldAdmit, has.wouldAdmit));
