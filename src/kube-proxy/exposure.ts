import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { Protocol } from '../net/protocol.ts';
import type { ExposureKind } from '../policy/model.ts';

/** Something on which a node answers by the rules of kube-proxy. */
export interface KubeProxyExposure {
  readonly kind: ExposureKind;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly port: number;
  /** null: any address of the node. */
  readonly address: Address | null;
  /** `shop/frontend:http`; null: the rules do not tell. */
  readonly service: string | null;
}
