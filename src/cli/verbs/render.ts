import { evaluateState } from '../../access/state.ts';
import { compileTable } from '../../compile/table/compile-table.ts';
import { estimateOf } from '../../compile/table/estimate.ts';
import { printTable } from '../../compile/plan/print-transaction.ts';
import { renderRedirect } from '../../export/redirect.ts';
import { readState, stateDirectory } from '../../kernel/state-store.ts';
import { EXIT, type Context } from '../output/context.ts';
import { withFiles } from '../input/read-declaration.ts';
import { emit, showProblems, type OutputFlags } from '../output/report.ts';
import type { MachineFlags } from '../input/flags.ts';

export interface RenderFlags extends OutputFlags, MachineFlags {
  readonly file?: readonly string[];
  readonly style: 'nft' | 'redirect';
  readonly family: 'ipv4' | 'ipv6';
  readonly allowFailsafe?: readonly string[];
}

/** `portcullis render`: the text that would be loaded. */
export async function render(this: Context, flags: RenderFlags): Promise<void> {
  const stored = readState(stateDirectory(this.process.env));
  const wanted =
    stored.ok && flags.file !== undefined ? await withFiles(this, stored.value, flags.file, flags) : stored;
  const evaluated = wanted.ok ? evaluateState(wanted.value) : wanted;
  if (!evaluated.ok) {
    showProblems(this, evaluated.problems, flags);
    this.process.exitCode = stored.ok ? EXIT.usage : EXIT.kernel;
    return;
  }
  showProblems(this, evaluated.warnings, flags);
  const { access } = evaluated.value;
  const table = compileTable(access, null);
  const ruleset = flags.style === 'nft' ? printTable(table) : renderRedirect(access, flags.family === 'ipv4' ? 4 : 6);
  await emit(this, flags, {
    kind: 'Rendering',
    data: () => ({
      style: flags.style,
      ...(flags.style === 'nft' ? { estimate: estimateOf(table) } : { family: flags.family }),
      ruleset,
    }),
    text: () => ruleset,
  });
}
