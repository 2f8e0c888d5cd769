import { resolve } from 'node:path';
import { error, warning } from '../../diagnostic/diagnostic.ts';
import { writeAtomically } from '../../kernel/atomic-file.ts';
import { takeSnapshot } from '../../kernel/snapshot.ts';
import { grouped } from '../../explain/words/number-words.ts';
import { EXIT, type Context } from '../output/context.ts';
import { progress, say, showProblems } from '../output/report.ts';

export interface SnapshotFlags {
  readonly output?: string;
  readonly color: boolean;
}

/** `portcullis snapshot`: all dumps of this node in one file. */
export async function snapshot(this: Context, { output, color }: SnapshotFlags): Promise<void> {
  const done = progress(this, 'reading the kernel');
  const taken = await takeSnapshot();
  done();
  showProblems(
    this,
    taken.warnings.map((text) => warning('snapshot', text)),
    { color },
  );
  const text = `${JSON.stringify(taken, null, 1)}\n`;
  if (taken.dumps.every((dump) => dump.text === null)) {
    showProblems(this, [error('snapshot-empty', 'nothing could be read', undefined, 'Run it as root on the node')], {
      color,
    });
    this.process.exitCode = EXIT.kernel;
    return;
  }
  if (output === undefined || output === '-') {
    this.process.stdout.write(text);
    return;
  }
  try {
    writeAtomically(resolve(this.cwd, output), text);
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : String(problem);
    showProblems(this, [error('snapshot-unwritable', `${output} cannot be written: ${why}`)], { color });
    this.process.exitCode = EXIT.usage;
    return;
  }
  const present = taken.dumps.filter((dump) => dump.text !== null).length;
  say(this, `${output}: ${present} dumps of ${taken.node}, ${grouped(Math.ceil(text.length / 1024))} KiB`);
}
