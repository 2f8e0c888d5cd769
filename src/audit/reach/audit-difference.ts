import { difference, emptySet, isEmpty, type PrefixSet } from '../../net/prefix-set.ts';
import type { Audited } from './audit.ts';

/** Who gains and who loses an exposure between two audits. */
export interface ReachChange {
  readonly id: string;
  readonly family: 4 | 6;
  readonly service: string | null;
  readonly gained: PrefixSet;
  readonly lost: PrefixSet;
  /** The exposure is only in one of them. */
  readonly only: 'before' | 'after' | null;
}

const keyOf = ({ exposure, entry }: Audited): string =>
  `${exposure.id} ${exposure.family} ${entry.kind === 'node' ? 'node' : entry.name}`;

/** Compares who may reach what: sources of `may` that one audit has and the other has not. */
export const auditDifference = (before: readonly Audited[], after: readonly Audited[]): readonly ReachChange[] => {
  const old = new Map(before.map((one) => [keyOf(one), one]));
  const fresh = new Map(after.map((one) => [keyOf(one), one]));
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((key): ReachChange[] => {
    const [had, has] = [old.get(key), fresh.get(key)];
    const exposure = (has ?? had)?.exposure;
    if (exposure === undefined) return [];
    const nobody = emptySet(exposure.family);
    const [gained, lost] = [
      difference(has?.may ?? nobody, had?.may ?? nobody),
      difference(had?.may ?? nobody, has?.may ?? nobody),
    ];
    if (isEmpty(gained) && isEmpty(lost)) return [];
    return [
      {
        id: exposure.id,
        family: exposure.family,
        service: exposure.service,
        gained,
        lost,
        only: had === undefined ? 'after' : has === undefined ? 'before' : null,
      },
    ];
  });
};
