import { EMPTY_STATE, isEmptyState } from '../../access/state.ts';
import { ok } from '../../diagnostic/diagnostic.ts';
import { restrictionsWithout } from '../../policy/restrict.ts';
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
    next: (state) => {
      if (spec === null) return ok(EMPTY_STATE);
      const restrictions = restrictionsWithout(state.restrictions, spec.value);
      return restrictions.ok ? ok({ ...state, restrictions: restrictions.value }) : restrictions;
    },
    tell: (changed) => {
      const nothingWasThere = changed.difference.changes.length === 0 && isEmptyState(changed.previous);
      return tellChange(this, flags, changed, nothingWasThere ? { lines: [] } : {});
    },
    ...(spec === null ? { startsAnew: 'always' } : {}),
  });
}
