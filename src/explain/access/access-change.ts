import type { AccessDifference, ChangedPart, ExposureChange } from '../../access/difference.ts';
import { groupByPorts } from './exposure-groups.ts';
import { describeSources, familyTexts } from '../words/sources.ts';
import { grouped } from '../words/number-words.ts';

/** A line of columns: where, sign, who, why. */
export type ChangeLine = readonly [where: string, sign: '+' | '-' | '~', who: string, why: string];

const partKey = ({ sources, because }: ChangedPart): string => `${because}=${describeSources(sources, 64)}`;

const changeKey = ({ gained, lost, otherwiseChanged, guardedAfter }: ExposureChange): string =>
  [
    ...gained.map((part) => `+${partKey(part)}`),
    ...lost.map((part) => `-${partKey(part)}`),
    otherwiseChanged,
    guardedAfter,
  ].join('|');

/** Who gains and who loses which port, one line each. */
export const changeLines = ({ changes }: AccessDifference, most = 4): readonly ChangeLine[] =>
  groupByPorts(changes, changeKey).flatMap(({ group, item }) => {
    const reason = (because: string): string =>
      item.guardedBefore || !item.guardedAfter ? because : `${because} (was open to everyone)`;
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
    return parts.map(([, sign, who, why], index): ChangeLine => [index === 0 ? group.title : '', sign, who, why]);
  });

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
