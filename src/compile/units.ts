import type { Access, ExposureAccess } from '../access/model.ts';
import type { Address } from '../net/address.ts';
import type { PortRange } from '../net/port.ts';
import type { Protocol } from '../net/protocol.ts';
import { exposureChain } from './names.ts';

/** Everything that is exposed on the same ports (and address): it shares one stable chain. */
export interface Unit {
  readonly chain: string;
  readonly address: Address | null;
  readonly ports: PortRange;
  /** Id of the selection that guards the protocol here; null: open. */
  readonly selections: ReadonlyMap<Protocol, string | null>;
}

const isRange = ({ first, last }: PortRange): boolean => first !== last;

/** Whether a guarded range of local ports covers this exact exposure: then even an open one needs a key of its own. */
const coveredBy = (ranges: readonly ExposureAccess[], { protocol, ports, address }: ExposureAccess): boolean =>
  address === null &&
  ranges.some(
    (range) => range.protocol === protocol && range.ports.first <= ports.first && ports.last <= range.ports.last,
  );

/** The chains that an access needs, with what each protocol's packets meet there. Open exposures in no guarded range need none. */
export const unitsOf = (access: Access): readonly Unit[] => {
  const guardedRanges = access.exposures.filter(({ ports, selection }) => isRange(ports) && selection !== null);
  const units = new Map<string, Unit & { readonly selections: Map<Protocol, string | null> }>();
  for (const exposure of access.exposures) {
    const { address, ports, protocol, selection } = exposure;
    if (selection === null && (isRange(ports) || !coveredBy(guardedRanges, exposure))) continue;
    const chain = exposureChain(address, ports);
    const unit = units.get(chain) ?? { chain, address, ports, selections: new Map<Protocol, string | null>() };
    unit.selections.set(protocol, selection);
    units.set(chain, unit);
  }
  return [...units.values()];
};
