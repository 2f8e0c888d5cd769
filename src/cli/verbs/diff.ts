import { accessDifference } from '../../access/difference.ts';
import { evaluateState } from '../../access/state.ts';
import { changeJson, changeLines, changeSummary } from '../../explain/access/access-change.ts';
import { stateDirectory } from '../../kernel/state-store.ts';
import { columns } from '../output/columns.ts';
import { EXIT, type Context } from '../output/context.ts';
import { withFiles } from '../input/read-declaration.ts';
import { storedAccess } from '../input/stored-access.ts';
import { emit, showProblems, type OutputFlags } from '../output/report.ts';
import type { MachineFlags } from '../input/flags.ts';

export interface DiffFlags extends OutputFlags, MachineFlags {
  readonly file: readonly string[];
  readonly allowFailsafe?: readonly string[];
}

const MANY = 1_000;

/** `portcullis diff -f`: who would gain and lose which port. */
export async function diff(this: Context, flags: DiffFlags): Promise<void> {
  const stored = storedAccess(stateDirectory(this.process.env));
  if (!stored.ok) {
    showProblems(this, stored.problems, flags);
    this.process.exitCode = EXIT.kernel;
    return;
  }
  const next = await withFiles(this, stored.value.state, flags.file, flags);
  const evaluated = next.ok ? evaluateState(next.value) : next;
  if (!evaluated.ok) {
    showProblems(this, evaluated.problems, flags);
    this.process.exitCode = EXIT.usage;
    return;
  }
  showProblems(this, evaluated.warnings, flags);
  const difference = accessDifference(stored.value.evaluated?.access ?? null, evaluated.value.access);
  const changes = difference.changes.length > 0;
  const hint = changes ? `.   Apply with: portcullis apply ${flags.file.map((file) => `-f ${file}`).join(' ')}` : '';
  await emit(this, flags, {
    kind: 'Diff',
    data: () => changeJson(difference),
    text: (wide) =>
      [
        ...(changes ? [columns(changeLines(difference, wide ? MANY : 4))] : []),
        `${changeSummary(difference)}${hint}`,
      ].join('\n'),
  });
  this.process.exitCode = changes ? EXIT.found : EXIT.fine;
}
