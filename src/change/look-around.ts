import { listFlows } from '../kernel/conntrack.ts';
import { localAddresses } from '../kernel/local-addresses.ts';
import { readPending } from '../kernel/pending.ts';
import { ownSshFlow, runsUnderSshd } from '../kernel/ssh-peer.ts';
import { readState } from '../kernel/state-store.ts';
import type { ClientFlow } from '../access/flow.ts';
import type { Facts } from './plan/facts.ts';
import type { Situation } from './plan/plan.ts';

const isSsh = ({ protocol, destinationPort }: ClientFlow): boolean => protocol === 'tcp' && destinationPort === 22;

/**
 * Finds out everything else that a plan depends on. `directory`: where the state is stored, whose lock is held where
 * something will be changed. `env`: of the process that was asked for the change; its SSH session, else, under sshd,
 * every tracked one, is the administrator's.
 */
export const lookAround = async (
  directory: string,
  facts: Facts,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Situation> => {
  const flows = facts.mayAdministrate ? await listFlows() : null;
  const ssh = ownSshFlow(env);
  return {
    facts,
    stored: readState(directory),
    pending: readPending(directory),
    now: Date.now(),
    flows,
    isLocal: localAddresses(),
    administrator: {
      session: ssh !== null ? [ssh] : runsUnderSshd() ? (flows ?? []).filter(isSsh) : [],
      host: ssh?.source ?? null,
    },
  };
};
