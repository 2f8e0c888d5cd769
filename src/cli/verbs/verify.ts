import { EMPTY_STATE, evaluateState } from '../../access/state.ts';
import type { Access } from '../../access/model.ts';
import { prove } from '../../audit/proof/proof.ts';
import type { Proof } from '../../audit/proof/differences.ts';
import { bothProofs, verifyNode } from '../../audit/proof/verify-node.ts';
import { TABLE } from '../../compile/table/names.ts';
import { error, fail, ok, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import { nodeProofSentence, proofJson, proofLines, proofSentence } from '../../explain/access/proof-sentence.ts';
import { listOwnTable } from '../../kernel/nft.ts';
import { readState, stateDirectory } from '../../kernel/state-store.ts';
import { isCovered, type Ruleset } from '../../ruleset/ruleset.ts';
import { findNftTable, type Table } from '../../ruleset/table.ts';
import { columns } from '../output/columns.ts';
import { EXIT, type Context, type Exit } from '../output/context.ts';
import { namesDumps, type DumpFlags } from '../input/dump-flags.ts';
import type { MachineFlags } from '../input/flags.ts';
import { withFiles } from '../input/read-declaration.ts';
import { mentionRestore } from '../output/gone-rules.ts';
import { loadNodes } from '../input/load-nodes.ts';
import { emit, paint, showProblems, type OutputFlags } from '../output/report.ts';
import { showDoubts } from '../output/show-doubts.ts';

const MANY = 1_000;

export interface VerifyFlags extends OutputFlags, MachineFlags, DumpFlags {
  readonly node: boolean;
  readonly file?: readonly string[];
  readonly allowFailsafe?: readonly string[];
}

/**
 * `portcullis verify`: the kernel's own listing against the policies; with -f, --node or dumps the node's whole
 * ruleset.
 */
export async function verify(this: Context, flags: VerifyFlags): Promise<void> {
  const dumps = namesDumps(flags);
  // Dumps of another machine have nothing to do with what is applied to this one.
  const stored = dumps && flags.file !== undefined ? ok(EMPTY_STATE) : readState(stateDirectory(this.process.env));
  const wanted =
    stored.ok && flags.file !== undefined ? await withFiles(this, stored.value, flags.file, flags) : stored;
  const evaluated = wanted.ok ? evaluateState(wanted.value) : wanted;
  if (!evaluated.ok) return stop(this, flags, evaluated.problems, stored.ok ? EXIT.usage : EXIT.kernel);
  const { access } = evaluated.value;
  if (dumps || flags.node || flags.file !== undefined) return verifyWhole(this, flags, access, dumps);
  const listed = await listOwnTable();
  if (!listed.ok) return stop(this, flags, listed.problems, EXIT.kernel);
  mentionRestore(this, listed.value, access);
  const proof = prove(listed.value, access);
  await emit(this, flags, {
    kind: 'Verification',
    data: () => proofJson(proof),
    text: (wide) => textOf(this, flags, proof, proofSentence(proof), wide),
  });
  this.process.exitCode = proof.holds ? EXIT.fine : EXIT.found;
}

const verifyWhole = async (context: Context, flags: VerifyFlags, access: Access, dumps: boolean): Promise<void> => {
  const nodes = await loadNodes(context, flags);
  if (!nodes.ok) return stop(context, flags, nodes.problems, EXIT.usage);
  showDoubts(context, flags.color, nodes.warnings);
  const proofs: { readonly node: string; readonly proof: Proof }[] = [];
  for (const { name, ruleset } of nodes.value) {
    const table = ownTable(ruleset, name);
    if (!table.ok) return stop(context, flags, table.problems, dumps ? EXIT.usage : EXIT.kernel);
    if (!dumps && flags.file === undefined) mentionRestore(context, table.value, access);
    proofs.push({ node: name, proof: bothProofs(prove(table.value, access), verifyNode(ruleset, access)) });
  }
  const [only, ...more] = proofs;
  await emit(context, flags, {
    kind: 'Verification',
    data: () =>
      only !== undefined && more.length === 0
        ? { node: only.node, ...proofJson(only.proof) }
        : { nodes: proofs.map(({ node, proof }) => ({ node, ...proofJson(proof) })) },
    text: (wide) =>
      proofs
        .map(({ node, proof }) =>
          [
            ...(more.length > 0 ? [`${node}:`] : []),
            textOf(context, flags, proof, nodeProofSentence(proof), wide),
          ].join('\n'),
        )
        .join('\n\n'),
  });
  context.process.exitCode = proofs.every(({ proof }) => proof.holds) ? EXIT.fine : EXIT.found;
};

/** The own table as the dumps show it; null: there is none. */
const ownTable = (ruleset: Ruleset, name: string): Result<Table | null> => {
  const found = findNftTable(ruleset.tables, TABLE);
  if (found !== null) return ok(found);
  return isCovered(ruleset, 'nft', 4)
    ? ok(null)
    : fail(
        error(
          'own-table-untold',
          `what nftables does on ${name} cannot be told`,
          undefined,
          'The proof needs the output of nft -j list ruleset, best a whole portcullis snapshot, taken as root',
        ),
      );
};

const textOf = (context: Context, flags: VerifyFlags, proof: Proof, sentence: string, wide: boolean): string =>
  [
    ...(proof.holds ? [] : [columns(proofLines(proof, wide ? MANY : 4))]),
    paint(context, 'out', flags.color, proof.holds ? 'green' : 'red', sentence),
  ].join('\n');

const stop = (context: Context, flags: VerifyFlags, problems: readonly Diagnostic[], exit: Exit): void => {
  showProblems(context, problems, flags);
  context.process.exitCode = exit;
};
