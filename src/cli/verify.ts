import { evaluateState } from '../access/state.ts';
import { prove } from '../audit/proof.ts';
import { proofJson, proofLines, proofSentence } from '../explain/proof-sentence.ts';
import { listOwnTable } from '../kernel/nft.ts';
import { readState, stateDirectory } from '../kernel/state-store.ts';
import { columns } from './columns.ts';
import type { VerifyFlags } from './commands/verify.ts';
import { EXIT, type Context } from './context.ts';
import { withFiles } from './evaluate.ts';
import { mentionRestore } from './gone-rules.ts';
import { emit, paint, showProblems } from './report.ts';

const MANY = 1_000;

/** `portcullis verify`: the kernel's own listing against the policies. */
export async function verify(this: Context, flags: VerifyFlags): Promise<void> {
  const stored = readState(stateDirectory(this.process.env));
  const wanted =
    stored.ok && flags.file !== undefined ? await withFiles(this, stored.value, flags.file, flags) : stored;
  const evaluated = wanted.ok ? evaluateState(wanted.value) : wanted;
  if (!evaluated.ok) {
    showProblems(this, evaluated.problems, flags.color);
    this.process.exitCode = stored.ok ? EXIT.usage : EXIT.kernel;
    return;
  }
  const listed = await listOwnTable();
  if (!listed.ok) {
    showProblems(this, listed.problems, flags.color);
    this.process.exitCode = EXIT.kernel;
    return;
  }
  if (flags.file === undefined) mentionRestore(this, listed.value, evaluated.value.access);
  const proof = prove(listed.value, evaluated.value.access);
  await emit(this, flags, {
    kind: 'Verification',
    data: proofJson(proof),
    text: (wide) =>
      [
        ...(proof.holds ? [] : [columns(proofLines(proof, wide ? MANY : 4))]),
        paint(this, 'out', flags.color, proof.holds ? 'green' : 'red', proofSentence(proof)),
      ].join('\n'),
  });
  this.process.exitCode = proof.holds ? EXIT.fine : EXIT.found;
}
