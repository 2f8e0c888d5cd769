import type { Care } from '../../change/plan/plan.ts';
import { ok, type Result } from '../../diagnostic/diagnostic.ts';
import type { Context } from '../output/context.ts';
import type { RiskFlags } from './flags.ts';
import { readDuration } from './read-arguments.ts';

/**
 * How long a change waits for its confirmation, in milliseconds; null: it needs none. Without `--confirm-within` it
 * needs one on a terminal where it cuts a tracked connection of the administrator's own host.
 */
export const readConfirmTime = (context: Context, { confirmWithin }: RiskFlags): Result<Care['confirmWithin']> => {
  if (confirmWithin === undefined) return ok(context.terminal.err ? 'if-own-host-is-cut' : null);
  const ms = readDuration('--confirm-within', confirmWithin);
  return ms.ok ? ok(ms.value === 0 ? null : ms.value) : ms;
};
