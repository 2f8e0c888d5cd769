import type { CutFlow } from '../../access/flow.ts';
import { ok, type Result } from '../../diagnostic/diagnostic.ts';
import type { Context } from '../output/context.ts';
import type { RiskFlags } from './flags.ts';
import { ownHost } from './own-ssh.ts';
import { readDuration } from './read-arguments.ts';

const DEFAULT_MS = 60_000;

/**
 * How long a change waits for its confirmation, in milliseconds; null: it needs none. Without `--confirm-within` it needs one on a
 * terminal when it cuts a tracked connection of the administrator's own host.
 */
export const confirmTime = (
  context: Context,
  { confirmWithin }: RiskFlags,
  cut: readonly CutFlow[],
): Result<number | null> => {
  if (confirmWithin !== undefined) {
    const ms = readDuration('--confirm-within', confirmWithin);
    return ms.ok ? ok(ms.value === 0 ? null : ms.value) : ms;
  }
  const own = ownHost(context);
  const cutsOwn =
    own !== null && cut.some(({ flow }) => flow.source.family === own.family && flow.source.value === own.value);
  return ok(context.terminal.err && cutsOwn ? DEFAULT_MS : null);
};
