import { obstacles } from '../../change/plan/preconditions.ts';
import { putBack } from '../../change/put-back.ts';
import { warning, type Diagnostic } from '../../diagnostic/diagnostic.ts';
import { proofJson, proofLines, proofSentence } from '../../explain/access/proof-sentence.ts';
import { collectFacts } from '../../kernel/facts.ts';
import { takeLock } from '../../kernel/lock.ts';
import { stateDirectory } from '../../kernel/state-store.ts';
import { columns } from '../output/columns.ts';
import { EXIT, type Context, type Exit } from '../output/context.ts';
import { emit, paint, say, showProblems, type OutputFlags } from '../output/report.ts';

/** `portcullis restore`: puts the stored state back into the kernel, above all after a reboot. */
export async function restore(this: Context, flags: OutputFlags): Promise<void> {
  const directory = stateDirectory(this.process.env);
  const facts = await collectFacts();
  const fatal = obstacles(facts, true);
  const lock = fatal.length > 0 ? null : await takeLock(directory);
  if (lock?.ok !== true) {
    this.process.exitCode = failed(this, flags, lock === null ? fatal : lock.problems);
    return;
  }
  try {
    // A port must not stay open because something else may pass packets by: these are told, and no more.
    const passedBy = obstacles(facts, false).map(({ code, message, hint }) => warning(code, message, undefined, hint));
    showProblems(this, passedBy, flags);
    this.process.exitCode = await tell(this, flags, directory);
  } finally {
    lock.value.release();
  }
}

const failed = (context: Context, { color }: OutputFlags, problems: readonly Diagnostic[]): Exit => {
  showProblems(context, problems, { color });
  return EXIT.kernel;
};

const tell = async (context: Context, flags: OutputFlags, directory: string): Promise<Exit> => {
  const done = await putBack(directory);
  if (!done.ok) return failed(context, flags, done.problems);
  if (done.value.kind === 'nothing-stored') {
    say(context, 'nothing is stored that could be put back');
    return EXIT.fine;
  }
  const { inForce, tookBack } = done.value;
  if (tookBack) say(context, 'a change that nobody had confirmed in time is taken back');
  await emit(context, flags, {
    kind: 'RestoreResult',
    data: () => ({
      tookBack,
      inForce: inForce === null ? null : { proof: proofJson(inForce.proof), ms: inForce.ms },
    }),
    text: (wide) => {
      if (inForce === null) return 'nothing is guarded: no table in the kernel, no stored state';
      const { proof, ms } = inForce;
      return [
        ...(proof.holds ? [] : [columns(proofLines(proof, wide ? 1_000 : 4))]),
        paint(context, 'out', flags.color, proof.holds ? 'green' : 'red', proofSentence(proof, ms)),
      ].join('\n');
    },
  });
  return inForce === null || inForce.proof.holds ? EXIT.fine : EXIT.found;
};
