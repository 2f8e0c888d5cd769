import type { Address } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import type { PortRange } from '../../net/port.ts';
import { PROTOCOLS, type Protocol } from '../../net/protocol.ts';
import type { ExposureKind } from '../../policy/model.ts';
import type { AnyTable } from '../../ruleset/table.ts';

/** Something on which a node answers, as its own rules show. */
export interface FoundExposure {
  readonly id: string;
  readonly kind: ExposureKind;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly port: number;
  /** null: any address of the node. */
  readonly address: Address | null;
  readonly service: string | null;
  /** Where it was found: `kube-proxy`, `IPVS`, `DNAT rule`, `Service`, `listening socket`. */
  readonly from: string;
}

export type Found = Omit<FoundExposure, 'id'>;

export const familyOf = (table: AnyTable): Family => (table.family === 'ip6' ? 6 : 4);

/** A port without a named protocol is open for tcp and udp alike. */
export const each = (
  { protocol, ports }: { readonly protocol: Protocol | null; readonly ports: readonly PortRange[] | null },
  make: (protocol: Protocol, port: number) => Found,
): readonly Found[] =>
  (ports ?? []).flatMap(({ first, last }) =>
    (protocol === null ? PROTOCOLS : [protocol]).flatMap((one) =>
      Array.from({ length: Math.min(last - first + 1, MOST_PORTS) }, (_, index) => make(one, first + index)),
    ),
  );

/** A rule for all ports is no list of exposures. */
const MOST_PORTS = 4096;
