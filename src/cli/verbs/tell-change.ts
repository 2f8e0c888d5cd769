import { changeJson, changeLines, changeSummary } from '../../explain/access/access-change.ts';
import { cutJson, describeCut } from '../../explain/access/cut-list.ts';
import { proofJson, proofLines, proofSentence } from '../../explain/access/proof-sentence.ts';
import { compileTable } from '../../compile/table/compile-table.ts';
import { estimateOf, type Estimate } from '../../compile/table/estimate.ts';
import { diagnosticJson } from '../../diagnostic/render.ts';
import { grouped } from '../../explain/words/number-words.ts';
import { columns } from '../output/columns.ts';
import type { Context } from '../output/context.ts';
import type { MadeChange } from './make-change.ts';
import { emit, paint, type OutputFlags } from '../output/report.ts';

const MANY = 1_000;

/** What the table costs the kernel. A dry run has none, so that one is compiled for it. */
const estimateFor = ({ plan, inForce }: MadeChange): Estimate =>
  estimateOf(inForce === 'dry-run' || inForce === null ? compileTable(plan.evaluated.access) : inForce.target);

/** What a change came to, as data. */
const changeData = (change: MadeChange) => {
  const {
    plan: { difference, confirmMs },
    warnings,
    inForce,
    cut,
  } = change;
  return {
    dryRun: inForce === 'dry-run',
    ...changeJson(difference),
    cut: cutJson(cut),
    estimate: estimateFor(change),
    inForce: inForce === 'dry-run' || inForce === null ? null : { proof: proofJson(inForce.proof), ms: inForce.ms },
    confirmWithinMs: confirmMs,
    warnings: warnings.map(diagnosticJson),
  };
};

/** The rows behind the change itself: what it cuts, what it costs. */
const consequences = (change: MadeChange, wide: boolean): readonly (readonly [string, string])[] => {
  const { cut, inForce } = change;
  return [
    ...(cut.length === 0
      ? []
      : [[inForce === 'dry-run' ? 'would cut' : 'cut now', describeCut(cut, wide ? MANY : 4)] as const]),
    ...(inForce === 'dry-run' || wide ? [['in the kernel', estimateText(estimateFor(change))] as const] : []),
  ];
};

const estimateText = ({ elements, sets, chains }: Estimate): string =>
  `${grouped(elements)} element${elements === 1 ? '' : 's'} in ${sets} sets and maps, ${chains} chains`;

/** The last lines: is it in force? */
const conclusion = (
  { inForce, plan: { confirmMs } }: MadeChange,
  paintWord: (good: boolean, text: string) => string,
): string[] => {
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
  change: MadeChange,
  lead: {
    readonly kind?: string;
    readonly lines?: readonly string[];
    readonly rows?: readonly (readonly [string, string])[];
  } = {},
): Promise<void> => {
  const text = (wide: boolean): string => {
    const rows = [...(lead.rows ?? []), ...consequences(change, wide)].map(([name, value]) => ['', name, value]);
    const changes = changeLines(change.plan.difference, wide ? MANY : 4);
    return [
      ...(lead.lines ?? [...(changes.length === 0 ? [] : [columns(changes)]), changeSummary(change.plan.difference)]),
      ...(rows.length === 0 ? [] : [columns(rows)]),
      ...conclusion(change, (good, sentence) => paint(context, 'out', flags.color, good ? 'green' : 'red', sentence)),
    ].join('\n');
  };
  await emit(context, flags, { kind: lead.kind ?? 'ApplyResult', data: () => changeData(change), text });
};
