import { clientFlow, type ClientFlow } from '../access/flow.ts';
import { parseConntrack } from '../parse/node/conntrack.ts';
import { runCommand } from './command.ts';

/**
 * The tracked connections of both families (conntrack 1.4.7 lists both when none is named); null where they cannot be
 * listed (conntrack is not installed, no rights).
 */
export const listFlows = async (): Promise<readonly ClientFlow[] | null> => {
  const result = await runCommand(['conntrack', '-L', '-o', 'extended']);
  if (result.kind !== 'done' || result.status !== 0) return null;
  const entries = parseConntrack({ name: 'conntrack -L', text: result.stdout });
  return entries.ok ? entries.value.flatMap((entry) => clientFlow(entry) ?? []) : null;
};
