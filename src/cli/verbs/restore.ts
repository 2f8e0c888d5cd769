import { proofJson, proofLines, proofSentence } from '../../explain/access/proof-sentence.ts';
import { warning, type Diagnostic } from '../../diagnostic/diagnostic.ts';
import { isEmptyState } from '../../access/state.ts';
import { collectFacts } from '../../kernel/facts.ts';
import { takeLock } from '../../kernel/lock.ts';
import { clearPending, readPending } from '../../kernel/pending.ts';
import { obstacles } from '../../change/plan/preconditions.ts';
import { restoreState } from '../../change/put-in-force.ts';
import { armRollback } from '../../change/rollback.ts';
import { readState, stateDirectory } from '../../kernel/state-store.ts';
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
    this.process.exitCode = await putBack(this, flags, directory);
  } finally {
    lock.value.release();
  }
}

const failed = (context: Context, { color }: OutputFlags, problems: readonly Diagnostic[]): Exit => {
  showProblems(context, problems, { color });
  return EXIT.kernel;
};

const putBack = async (context: Context, flags: OutputFlags, directory: string): Promise<Exit> => {
  const pending = readPending(directory);
  const left = pending === null ? 0 : pending.deadline - Date.now();
  const tookBack = pending !== null && left <= 0;
  const stored = readState(directory);
  if (!tookBack && !stored.ok) return failed(context, flags, stored.problems);
  const state = tookBack ? pending.previous : stored.ok ? stored.value : pending?.previous;
  if (state === undefined || (isEmptyState(state) && !tookBack)) {
    say(context, 'nothing is stored that could be put back');
    return EXIT.fine;
  }
  if (pending !== null && !tookBack) {
    // Whoever watched over it may be gone with the reboot.
    const armed = await armRollback(directory, pending.previous, left);
    if (!armed.ok) return failed(context, flags, armed.problems);
  }
  const inForce = await restoreState(directory, state);
  if (!inForce.ok) return failed(context, flags, inForce.problems);
  if (tookBack) {
    clearPending(directory);
    say(context, 'a change that nobody had confirmed in time is taken back');
  }
  const proof = inForce.value?.proof ?? null;
  await emit(context, flags, {
    kind: 'RestoreResult',
    data: () => ({
      tookBack,
      inForce: inForce.value === null ? null : { proof: proofJson(inForce.value.proof), ms: inForce.value.ms },
    }),
    text: (wide) =>
      proof === null
        ? 'nothing is guarded: no table in the kernel, no stored state'
        : [
            ...(proof.holds ? [] : [columns(proofLines(proof, wide ? 1_000 : 4))]),
            paint(context, 'out', flags.color, proof.holds ? 'green' : 'red', proofSentence(proof, inForce.value?.ms)),
          ].join('\n'),
  });
  return proof === null || proof.holds ? EXIT.fine : EXIT.found;
};
