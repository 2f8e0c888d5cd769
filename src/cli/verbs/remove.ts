import { isEmptyState } from '../../access/state.ts';
import { ok } from '../../diagnostic/diagnostic.ts';
import { EXIT, type Context } from '../output/context.ts';
import { makeChange } from './make-change.ts';
import { readPort } from '../input/read-arguments.ts';
import { say, showProblems, type OutputFlags } from '../output/report.ts';
import { tellChange } from './tell-change.ts';
import type { RiskFlags } from '../input/flags.ts';

export interface RemoveFlags extends OutputFlags, RiskFlags {
  readonly dryRun: boolean;
}

/** `portcullis remove [PORT]`: one restriction, or everything. */
export async function remove(this: Context, flags: RemoveFlags, port?: string): Promise<void> {
  const spec = port === undefined ? null : readPort(port);
  if (spec?.ok === false) {
    showProblems(this, spec.problems, flags);
    say(this, 'nothing was changed');
    this.process.exitCode = EXIT.usage;
    return;
  }
  this.process.exitCode = await makeChange(this, flags, {
    wish: () => ok(spec === null ? { kind: 'remove' } : { kind: 'unrestrict', spec: spec.value }),
    tell: (change) => {
      const { difference, previous } = change.plan;
      const nothingWasThere = difference.changes.length === 0 && isEmptyState(previous);
      return tellChange(this, flags, change, nothingWasThere ? { lines: [] } : {});
    },
  });
}
