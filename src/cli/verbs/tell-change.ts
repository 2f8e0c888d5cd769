import { changeJson, changeLines, changeSummary } from '../../explain/access/access-change.ts';
import { cutJson, describeCut } from '../../explain/access/cut-list.ts';
import { proofJson, proofLines, proofSentence } from '../../explain/access/proof-sentence.ts';
import type { Estimate } from '../../compile/table/estimate.ts';
import { diagnosticJson } from '../../diagnostic/render.ts';
import { grouped } from '../../explain/words/number-words.ts';
import { columns } from '../output/columns.ts';
import type { Context } from '../output/context.ts';
import type { Changed } from './make-change.ts';
import { emit, paint, type OutputFlags } from '../output/report.ts';

const MANY = 1_000;

/** What a change came to, as data. */
const changedJson = ({ difference, cut, estimate, inForce, confirmMs, warnings }: Changed) => ({
  dryRun: inForce === 'dry-run',
  ...changeJson(difference),
  cut: cutJson(cut),
  estimate: estimate(),
  inForce: inForce === 'dry-run' || inForce === null ? null : { proof: proofJson(inForce.proof), ms: inForce.ms },
  confirmWithinMs: confirmMs,
  warnings: warnings.map(diagnosticJson),
});

/** The rows behind the change itself: what it cuts, what it costs. */
const consequences = ({ cut, estimate, inForce }: Changed, wide: boolean): readonly (readonly [string, string])[] => [
  ...(cut.length === 0
    ? []
    : [[inForce === 'dry-run' ? 'would cut' : 'cut now', describeCut(cut, wide ? MANY : 4)] as const]),
  ...(inForce === 'dry-run' || wide ? [['in the kernel', estimateText(estimate())] as const] : []),
];

const estimateText = ({ elements, sets, chains }: Estimate): string =>
  `${grouped(elements)} elements in ${sets} sets and maps, ${chains} chains`;

/** The last lines: is it in force? */
const conclusion = ({ inForce, confirmMs }: Changed, paintWord: (good: boolean, text: string) => string): string[] => {
  if (inForce === 'dry-run') return [];
  if (inForce === null) return ['nothing is guarded: no table in the kernel, no stored state'];
  const { proof, ms } = inForce;
  return [
    paintWord(proof.holds, proofSentence(proof, ms)),
    ...(proof.holds ? [] : [columns(proofLines(proof))]),
    ...(confirmMs === null
      ? []
      : [`taken back in ${Math.round(confirmMs / 1000)} s unless you run: portcullis confirm`]),
  ];
};

/** Prints a change. `lead`: the lines that stand first; without it, who gains and who loses what. */
export const tellChange = async (
  context: Context,
  flags: OutputFlags,
  changed: Changed,
  lead: {
    readonly kind?: string;
    readonly lines?: readonly string[];
    readonly rows?: readonly (readonly [string, string])[];
  } = {},
): Promise<void> => {
  const text = (wide: boolean): string => {
    const rows = [...(lead.rows ?? []), ...consequences(changed, wide)].map(([name, value]) => ['', name, value]);
    const changes = changeLines(changed.difference, wide ? MANY : 4);
    return [
      ...(lead.lines ?? [...(changes.length === 0 ? [] : [columns(changes)]), changeSummary(changed.difference)]),
      ...(rows.length === 0 ? [] : [columns(rows)]),
      ...conclusion(changed, (good, sentence) => paint(context, 'out', flags.color, good ? 'green' : 'red', sentence)),
    ].join('\n');
  };
  await emit(context, flags, { kind: lead.kind ?? 'ApplyResult', data: () => changedJson(changed), text });
};
