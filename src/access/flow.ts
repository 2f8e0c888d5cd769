import type { Address } from '../net/address.ts';
import { hasAddress } from '../net/address-set.ts';
import type { Protocol } from '../net/protocol.ts';
import { guardsOf } from './guard-of.ts';
import type { Access, ExposureAccess } from './model.ts';

/** A connection that the kernel tracks, in its original direction: as the client addressed it, before any rewriting. */
export interface ClientFlow {
  readonly protocol: Protocol;
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Both ends have closed it, and the kernel only remembers it for a while. */
  readonly closed?: boolean;
}

/** A flow whose client an access refuses, and where. */
export interface CutFlow {
  readonly flow: ClientFlow;
  readonly exposure: ExposureAccess;
}

/**
 * The flows to this node whose packets an access would refuse. `isLocal` tells the node's own addresses: others are judged only as VIPs.
 * Flows from the node itself come in by lo and are never judged.
 */
export const cutFlows = (
  access: Access,
  flows: readonly ClientFlow[],
  isLocal: (address: Address) => boolean,
): readonly CutFlow[] => {
  const guard = guardsOf(access);
  return flows.flatMap((flow) => {
    if (isLocal(flow.source)) return [];
    const { protocol, destinationPort, destination } = flow;
    const exposure =
      guard(protocol, destinationPort, destination) ??
      (isLocal(destination) ? guard(protocol, destinationPort, 'local') : null);
    const selection = access.selections.get(exposure?.selection ?? '');
    return exposure === null || selection === undefined || hasAddress(selection.allowed, flow.source)
      ? []
      : [{ flow, exposure }];
  });
};

/** Of flows that an access cuts the living ones that the one before (null: nothing was guarded) let through: for the others nothing changes. */
export const newlyCut = (
  cut: readonly CutFlow[],
  before: Access | null,
  isLocal: (address: Address) => boolean,
): readonly CutFlow[] => {
  const living = cut.filter(({ flow }) => flow.closed !== true);
  if (before === null) return living;
  const already = new Set(
    cutFlows(
      before,
      living.map(({ flow }) => flow),
      isLocal,
    ).map(({ flow }) => flow),
  );
  return living.filter(({ flow }) => !already.has(flow));
};
