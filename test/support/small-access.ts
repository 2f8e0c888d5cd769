import { exposureId } from '../../src/access/exposures.ts';
import type { Access, ExposureAccess, Selection } from '../../src/access/model.ts';
import { parseAddress } from '../../src/net/address.ts';
import { addressComplement, addressSet, addressUnion, nobody, type AddressSet } from '../../src/net/address-set.ts';
import { parsePorts } from '../../src/net/port.ts';
import { parsePrefix } from '../../src/net/prefix.ts';

/** The addresses of some prefixes written as text. */
export const addresses = (...prefixes: readonly string[]): AddressSet =>
  addressSet(
    prefixes.map((text) => {
      const parsed = parsePrefix(text);
      if (!parsed.ok) throw new Error(text);
      return parsed.value;
    }),
  );

/** `30001/tcp`, `30100-30199/udp` or `192.0.2.200 80/tcp`, guarded by a selection; null: open. */
export const exposed = (text: string, selection: string | null): ExposureAccess => {
  const [first = '', second] = text.split(' ');
  const ports = parsePorts(second ?? first);
  const address = second === undefined ? null : parseAddress(first);
  if (!ports.ok || ports.value.protocol === null || address?.ok === false) throw new Error(text);
  const place = address?.value ?? null;
  return {
    id: exposureId(place, ports.value.ports, ports.value.protocol),
    kind: 'NodePort',
    protocol: ports.value.protocol,
    ports: ports.value.ports,
    address: place,
    service: null,
    selection,
  };
};

interface Wish {
  /** AddressGroups that enter untouched, beside `allowed`. */
  readonly groups?: Readonly<Record<string, AddressSet>>;
  /** The others are answered with a reject, or those of them. */
  readonly reject?: 'everybody' | AddressSet;
  readonly wouldRefuse?: AddressSet;
}

/** A selection that lets some addresses in. */
export const selection = (id: string, own: AddressSet, { groups = {}, reject, wouldRefuse }: Wish = {}): Selection => {
  const allowed = addressUnion(own, ...Object.values(groups));
  return {
    id,
    policies: [`ClusterNodePortPolicy ${id}`],
    allowed,
    rejected: reject === 'everybody' ? addressComplement(allowed) : (reject ?? nobody),
    wouldRefuse: wouldRefuse ?? nobody,
    wouldAdmit: nobody,
    untouchedGroups: Object.keys(groups),
    own,
    parts: [],
    wouldParts: [],
  };
};

/** An access of some exposures; the groups are those that its selections name. */
export const accessOf = (
  exposures: readonly ExposureAccess[],
  selections: readonly Selection[] = [],
  groups: Readonly<Record<string, AddressSet>> = {},
): Access => ({
  exposures,
  selections: new Map(selections.map((one) => [one.id, one])),
  groups: new Map(Object.entries(groups)),
  warnings: [],
});
