import type { Access } from '../../access/model.ts';
import { isNobody } from '../../net/address-set.ts';
import { familyTexts } from '../../explain/words/sources.ts';
import { prove } from '../../audit/proof/proof.ts';
import type { Table } from '../../ruleset/table.ts';
import { diagnosticJson } from '../../diagnostic/render.ts';
import { proofJson, proofLines, proofSentence } from '../../explain/access/proof-sentence.ts';
import { shortPolicy, shortRows, statusRows, totals, type StatusRow } from '../../explain/access/status.ts';
import { grouped } from '../../explain/words/number-words.ts';
import { collectFacts } from '../../kernel/facts.ts';
import { listOwnTable } from '../../kernel/nft.ts';
import { readPending } from '../../kernel/pending.ts';
import { cautions } from '../../change/plan/preconditions.ts';
import { stateDirectory } from '../../kernel/state-store.ts';
import { columns } from '../output/columns.ts';
import { EXIT, type Context } from '../output/context.ts';
import { storedAccess } from '../input/stored-access.ts';
import { mentionRestore } from '../output/gone-rules.ts';
import { emit, paint, showProblems, type OutputFlags } from '../output/report.ts';

const MANY = 1_000;

/** Policies that a line names. */
const MOST_POLICIES = 4;

const policyNames = (policies: readonly string[], wide: boolean): string => {
  if (policies.length === 0) return 'open';
  if (wide) return policies.join(', ');
  const more = policies.length - MOST_POLICIES;
  const named = policies.slice(0, MOST_POLICIES).map(shortPolicy).join(', ');
  return more <= 0 ? named : `${named} and ${grouped(more)} more`;
};

const rowCells = (row: StatusRow, service: string, wide: boolean): string[] => [
  row.title,
  service,
  policyNames(row.policies, wide),
  row.allowed + (row.audited ? ' (audit)' : ''),
  row.packetsAllowed === null ? '-' : String(row.packetsAllowed),
  row.packetsRefused === null ? '-' : String(row.packetsRefused),
];

/** Who may come in where, and by which policies, once for all exposures that are guarded alike. */
const selectionsJson = ({ selections }: Access) =>
  Object.fromEntries(
    [...selections].map(([id, { policies, allowed, wouldRefuse, wouldAdmit }]) => [
      id,
      {
        policies,
        allowed: familyTexts(allowed),
        audited: !(isNobody(wouldRefuse) && isNobody(wouldAdmit)),
      },
    ]),
  );

/** `portcullis status`: what is guarded, how, and is it in force. */
export async function status(this: Context, flags: OutputFlags): Promise<void> {
  const directory = stateDirectory(this.process.env);
  const stored = storedAccess(directory);
  const listed = await listOwnTable();
  if (!stored.ok || !listed.ok || stored.value.evaluated === null) {
    showProblems(
      this,
      [...(stored.ok ? stored.value.problems : stored.problems), ...(listed.ok ? [] : listed.problems)],
      flags,
    );
    this.process.exitCode = EXIT.kernel;
    return;
  }
  const { access } = stored.value.evaluated;
  const table: Table | null = listed.value;
  const facts = await collectFacts();
  const mode = facts.kubeProxy;
  const proof = prove(table, access);
  const warnings = [...stored.value.problems, ...cautions(facts, access)];
  const pending = readPending(directory);
  const { refused, cut, wouldRefuse } = totals(table);
  showProblems(this, warnings, flags);
  mentionRestore(this, table, access);
  const rows = (wide: boolean) => statusRows(access, table, wide ? MANY : 3);
  await emit(this, flags, {
    kind: 'Status',
    data: () => ({
      kubeProxy: mode,
      selections: selectionsJson(access),
      exposures: rows(false).map(({ exposures, exposure, packetsAllowed, packetsRefused }) => ({
        exposures,
        kind: exposure.kind,
        service: exposure.service,
        guarded: exposure.selection !== null,
        selection: exposure.selection,
        packetsAllowed: packetsAllowed === null ? null : Number(packetsAllowed),
        packetsRefused: packetsRefused === null ? null : Number(packetsRefused),
      })),
      packets: { refused: Number(refused), cut: Number(cut), wouldRefuse: Number(wouldRefuse) },
      proof: proofJson(proof),
      pendingUntil: pending === null ? null : new Date(pending.deadline).toISOString(),
      warnings: warnings.map(diagnosticJson),
    }),
    text: (wide) =>
      [
        `kube-proxy: ${mode === null ? 'none found' : `${mode} mode`}`,
        ...(access.exposures.length === 0
          ? []
          : [
              columns(
                [
                  ['EXPOSURE', 'SERVICE', 'POLICIES', 'MAY COME IN', 'ALLOWED', 'REFUSED'],
                  ...(wide
                    ? rows(true).map((row) => rowCells(row, row.exposure.service ?? '-', true))
                    : shortRows(rows(false)).map((row) => rowCells(row, row.services, false))),
                ],
                [4, 5],
              ),
            ]),
        ...(wouldRefuse > 0n ? [`Audit policies would have refused ${wouldRefuse} packets`] : []),
        ...(cut > 0n ? [`${cut} packets of servers to refused clients were stopped`] : []),
        ...(pending === null
          ? []
          : [
              `a change is taken back in ${Math.max(0, Math.ceil((pending.deadline - Date.now()) / 1000))} s unless you run: portcullis confirm`,
            ]),
        ...(proof.holds ? [] : [columns(proofLines(proof, wide ? MANY : 4))]),
        paint(this, 'out', flags.color, proof.holds ? 'green' : 'red', proofSentence(proof)),
      ].join('\n'),
  });
  this.process.exitCode = proof.holds ? EXIT.fine : EXIT.found;
}
