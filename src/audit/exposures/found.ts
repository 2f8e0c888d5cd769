import type { Address } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import type { Protocol } from '../../net/protocol.ts';
import type { ExposureKind } from '../../policy/model.ts';

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

/** The same before it has its name. */
export type UnnamedExposure = Omit<FoundExposure, 'id'>;
