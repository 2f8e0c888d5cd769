import { cutFlows, type ClientFlow, type CutFlow } from '../../access/flow.ts';
import type { Access } from '../../access/model.ts';
import { error, type Diagnostic } from '../../diagnostic/diagnostic.ts';
import { formatAddress, type Address } from '../../net/address.ts';

/** The person who makes a change, as far as anything is known. */
export interface Administrator {
  /** The connections by which the change may have been asked for. */
  readonly session: readonly ClientFlow[];
  /** The host from which they work; null: unknown. */
  readonly host: Address | null;
}

/**
 * An error where an access would refuse the administrator's own session; null: it does not. `isLocal`: the node's own
 * addresses.
 */
export const refusesOwnSession = (
  access: Access,
  { session }: Administrator,
  isLocal: (address: Address) => boolean,
): Diagnostic | null => {
  const [cut] = cutFlows(access, session, isLocal);
  if (cut === undefined) return null;
  const { flow, exposure } = cut;
  return error(
    'own-session',
    `this would refuse ${formatAddress(flow.source)}, the peer of your own SSH session (port ${flow.destinationPort}, guarded as ${exposure.id})`,
    undefined,
    'Let that address in, or say --yes-cut-me-off',
  );
};

/** Whether connections that are cut are those of the administrator's own host. */
export const cutsOwnHost = ({ host }: Administrator, cut: readonly CutFlow[]): boolean =>
  host !== null && cut.some(({ flow }) => flow.source.family === host.family && flow.source.value === host.value);
