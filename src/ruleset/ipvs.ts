import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { Protocol } from '../net/protocol.ts';

/** A service of IPVS (ipvsadm(8)). */
export interface VirtualServer {
  /** null: chosen by the packet's mark. */
  readonly at: { readonly protocol: Protocol; readonly address: Address; readonly port: number } | null;
  readonly mark: number | null;
  readonly family: Family;
  readonly scheduler: string;
  /** Seconds for which a client keeps its real server; null: not persistent. */
  readonly persistent: number | null;
  /** `ops`, `sh-fallback`, … */
  readonly flags: readonly string[];
  readonly servers: readonly RealServer[];
  readonly file?: string;
  readonly line?: number;
  readonly text: string;
}

export interface RealServer {
  readonly address: Address;
  /** 0: the port that the packet has. */
  readonly port: number;
  /** masq: NAT. route: direct routing. tunnel: IP in IP. */
  readonly forward: 'masq' | 'route' | 'tunnel';
  /** 0 takes no new connections. */
  readonly weight: number;
  /** Connections, where the listing has them. */
  readonly active: number | null;
}
