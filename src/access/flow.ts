import type { Address } from '../net/address.ts';
import { hasAddress } from '../net/address-set.ts';
import { PROTOCOL_NUMBER, PROTOCOLS, type Protocol } from '../net/protocol.ts';
import type { ConntrackEntry } from '../ruleset/host.ts';
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

/** States of TCP in which nothing is sent any more (tcp_conntrack_names, net/netfilter/nf_conntrack_proto_tcp.c). */
const CLOSED = new Set(['TIME_WAIT', 'CLOSE']);

/** A tracked connection as its client began it; null: of a protocol that no policy names. */
export const clientFlow = ({ protocol: number, state, original }: ConntrackEntry): ClientFlow | null => {
  const protocol = PROTOCOLS.find((known) => PROTOCOL_NUMBER[known] === number) ?? null;
  const { source, destination, sourcePort, destinationPort } = original;
  if (protocol === null || sourcePort === null || destinationPort === null) return null;
  const flow = { protocol, source, destination, sourcePort, destinationPort };
  return state !== null && CLOSED.has(state) ? { ...flow, closed: true } : flow;
};

/** A flow whose client an access refuses, and where. */
export interface CutFlow {
  readonly flow: ClientFlow;
  readonly exposure: ExposureAccess;
}

/**
 * The flows to this node whose packets an access would refuse. `isLocal` tells the node's own addresses: others are
 * judged only as VIPs. Flows from the node itself come in by lo and are never judged.
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

/**
 * Of flows that an access cuts the living ones that the one before (null: nothing was guarded) let through: for the
 * others nothing changes.
 */
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
