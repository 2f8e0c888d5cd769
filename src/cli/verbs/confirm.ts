import { stateDirectory } from '../../kernel/state-store.ts';
import { takeLock } from '../../kernel/lock.ts';
import { clearPending, readPending } from '../../kernel/pending.ts';
import { EXIT, type Context } from '../output/context.ts';
import { emit, say, showProblems, type OutputFlags } from '../output/report.ts';

/** `portcullis confirm`: keeps the change that waits for it. */
export async function confirm(this: Context, flags: OutputFlags): Promise<void> {
  const directory = stateDirectory(this.process.env);
  const lock = await takeLock(directory, 60_000);
  if (!lock.ok) {
    showProblems(this, lock.problems, flags);
    this.process.exitCode = EXIT.kernel;
    return;
  }
  try {
    const pending = readPending(directory);
    if (pending === null) {
      say(this, 'no change waits for a confirmation: it was confirmed, or has been taken back');
      this.process.exitCode = EXIT.found;
      return;
    }
    clearPending(directory);
    await emit(this, flags, {
      kind: 'Confirmation',
      data: () => ({ confirmed: true }),
      text: () => 'confirmed: the change stays',
    });
  } finally {
    lock.value.release();
  }
}
