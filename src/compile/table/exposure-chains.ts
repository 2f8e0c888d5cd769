import type { Access, ExposureAccess } from '../../access/model.ts';
import type { Address } from '../../net/address.ts';
import type { PortRange } from '../../net/port.ts';
import type { Protocol } from '../../net/protocol.ts';
import { exposureChain } from './names.ts';

/** Everything that is exposed on the same ports (and address): it shares one stable chain. */
export interface ExposureChain {
  readonly chain: string;
  readonly address: Address | null;
  readonly ports: PortRange;
  /** Id of the selection that guards the protocol here; null: open. */
  readonly selections: ReadonlyMap<Protocol, string | null>;
}

const isRange = ({ first, last }: PortRange): boolean => first !== last;

/**
 * Whether guarded local ports cover this open exposure: then it needs a key of its own. For an exact local port that is
 * a range around it; for a VIP, which may be an address of this node (kube-ipvs0, MetalLB), also its exact port.
 */
const coveredBy = (guarded: readonly ExposureAccess[], { protocol, ports, address }: ExposureAccess): boolean =>
  guarded.some(
    (local) =>
      local.protocol === protocol &&
      (address !== null || isRange(local.ports)) &&
      local.ports.first <= ports.first &&
      ports.last <= local.ports.last,
  );

/**
 * The chains that an access needs, with what each protocol's packets meet there. Open exposures that no guarded port
 * covers need none.
 */
export const exposureChainsOf = (access: Access): readonly ExposureChain[] => {
  const guarded = access.exposures.filter(({ address, selection }) => address === null && selection !== null);
  const units = new Map<string, ExposureChain & { readonly selections: Map<Protocol, string | null> }>();
  for (const exposure of access.exposures) {
    const { address, ports, protocol, selection } = exposure;
    if (selection === null && (isRange(ports) || !coveredBy(guarded, exposure))) continue;
    const chain = exposureChain(address, ports);
    const unit = units.get(chain) ?? { chain, address, ports, selections: new Map<Protocol, string | null>() };
    unit.selections.set(protocol, selection);
    units.set(chain, unit);
  }
  return [...units.values()];
};
