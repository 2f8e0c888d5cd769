import type { AccessDifference, ChangedPart, ExposureChange } from '../../access/difference.ts';
import { groupByFate, groupByPorts } from './exposure-groups.ts';
import { describeSources, familyTexts } from '../words/sources.ts';
import { grouped } from '../words/number-words.ts';

/** A row of columns: where, sign, who, why. */
export type ChangeLine = readonly [where: string, sign: '+' | '-' | '~', who: string, why: string];

const partKey = ({ sources, because }: ChangedPart): string => `${because}=${describeSources(sources, 64)}`;

/** Exposures of one fate share these lists (access/difference.ts), so that each list is put into words once. */
const listKeys = new WeakMap<readonly ChangedPart[], string>();

const listKey = (parts: readonly ChangedPart[]): string => {
  const known = listKeys.get(parts) ?? parts.map(partKey).join('+');
  listKeys.set(parts, known);
  return known;
};

const changeKey = ({ gained, lost, otherwiseChanged, guardedAfter }: ExposureChange): string =>
  `+${listKey(gained)}|-${listKey(lost)}|${otherwiseChanged}|${guardedAfter}`;

/** A reason that names more policies than fit a line is cut. The data form has all of it. */
const LONGEST_REASON = 160;
const shortened = (because: string): string =>
  because.length <= LONGEST_REASON ? because : `${because.slice(0, LONGEST_REASON)} …`;

/** Who gains and who loses which port, one line each. */
export const changeLines = ({ changes }: AccessDifference, most = 4): readonly ChangeLine[] =>
  groupByFate(groupByPorts(changes, changeKey), ({ item }) => `${changeKey(item)}|${item.guardedBefore}`).flatMap(
    ({ title, of: [{ item }] }) => {
      const reason = (because: string): string =>
        item.guardedBefore || !item.guardedAfter ? shortened(because) : `${shortened(because)} (was open to everyone)`;
      const parts: ChangeLine[] = [
        ...item.gained.map(({ sources, because }): ChangeLine => ['', '+', describeSources(sources, most), because]),
        ...item.lost.map(({ sources, because }): ChangeLine => [
          '',
          '-',
          describeSources(sources, most),
          reason(because),
        ]),
        ...(item.otherwiseChanged
          ? [['', '~', 'the same people', 'how the others are refused, or what is audited'] as const]
          : []),
      ];
      return parts.map(([, sign, who, why], index): ChangeLine => [index === 0 ? title : '', sign, who, why]);
    },
  );

/** `2 exposures change, 2,766 stay`; `nothing changes` where nothing is guarded before and after. */
export const changeSummary = ({ changes, unchanged }: AccessDifference): string => {
  if (changes.length > 0)
    return `${grouped(changes.length)} exposure${changes.length === 1 ? ' changes' : 's change'}, ${grouped(unchanged)} stay${unchanged === 1 ? 's' : ''}`;
  const kept = `${grouped(unchanged)} guarded exposure${unchanged === 1 ? ' stays' : 's stay'}`;
  return unchanged === 0 ? 'nothing changes' : `nothing changes, ${kept}`;
};

/** The same as data. */
export const changeJson = ({ changes, unchanged }: AccessDifference) => ({
  changes: changes.map(({ exposure, gained, lost, otherwiseChanged, guardedBefore, guardedAfter }) => ({
    exposure: exposure.id,
    kind: exposure.kind,
    service: exposure.service,
    guardedBefore,
    guardedAfter,
    otherwiseChanged,
    gained: gained.map(({ sources, because }) => ({ sources: familyTexts(sources), because })),
    lost: lost.map(({ sources, because }) => ({ sources: familyTexts(sources), because })),
  })),
  unchanged,
});
