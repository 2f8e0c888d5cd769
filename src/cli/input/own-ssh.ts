import { cutFlows, type ClientFlow } from '../../access/flow.ts';
import type { Access } from '../../access/model.ts';
import { error, type Diagnostic } from '../../diagnostic/diagnostic.ts';
import { formatAddress, type Address } from '../../net/address.ts';
import { listFlows } from '../../kernel/conntrack.ts';
import { localAddresses } from '../../kernel/local-addresses.ts';
import { ownSshFlow, runsUnderSshd } from '../../kernel/ssh-peer.ts';
import type { Context } from '../output/context.ts';

/** The connections by which this command may have been started: the SSH session, else, under sshd, all tracked ones to port 22. */
const ownFlows = async (context: Context): Promise<readonly ClientFlow[]> => {
  const flow = ownSshFlow(context.process.env);
  if (flow !== null) return [flow];
  if (!runsUnderSshd()) return [];
  const tracked = (await listFlows()) ?? [];
  return tracked.filter(({ protocol, destinationPort }) => protocol === 'tcp' && destinationPort === 22);
};

/** An error where an access would refuse the administrator's own session; null: it does not. */
export const refusesOwnSession = async (context: Context, access: Access): Promise<Diagnostic | null> => {
  const flows = await ownFlows(context);
  if (flows.length === 0) return null;
  const [cut] = cutFlows(access, flows, localAddresses());
  if (cut === undefined) return null;
  const { flow, exposure } = cut;
  return error(
    'own-session',
    `this would refuse ${formatAddress(flow.source)}, the peer of your own SSH session (port ${flow.destinationPort}, guarded as ${exposure.id})`,
    undefined,
    'Let that address in, or say --yes-cut-me-off',
  );
};

/** The host from which the administrator works, as far as it is known. */
export const ownHost = (context: Context): Address | null => ownSshFlow(context.process.env)?.source ?? null;
