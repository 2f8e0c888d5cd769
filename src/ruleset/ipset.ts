import type { Family } from '../net/family.ts';

/** A set of the ipset subsystem (ipset(8)). */
export interface IpSet {
  readonly name: string;
  /** `hash:ip,port`, `bitmap:port`, `list:set`, … */
  readonly type: string;
  /** null where the type has none (bitmap:port, list:set). */
  readonly family: Family | null;
  readonly entries: readonly IpSetEntry[];
  /** Elements can have a time to live: the contents change without anybody changing them. */
  readonly timeouts: boolean;
  /** As `create` has them behind the type. */
  readonly options: string;
  readonly file?: string;
  readonly line?: number;
}

export interface IpSetEntry {
  /** One for each part of the type. */
  readonly parts: readonly IpSetPart[];
  /** The element is an exception in a larger network of the set. */
  readonly nomatch: boolean;
  /** Seconds left; null: for ever. */
  readonly timeout: number | null;
}

export type IpSetPart =
  | { readonly kind: 'addresses'; readonly family: Family; readonly first: bigint; readonly last: bigint }
  /**
   * `tcp:80`: a protocol number and ports; protocol null in bitmap:port, which takes tcp and udp
   * (net/netfilter/ipset/ip_set_getport.c).
   */
  | { readonly kind: 'ports'; readonly protocol: number | null; readonly first: number; readonly last: number }
  | { readonly kind: 'mark'; readonly mark: number }
  | { readonly kind: 'mac'; readonly address: bigint }
  /** `physdev:` stands in front of a bridge port. */
  | { readonly kind: 'interface'; readonly name: string; readonly physical: boolean }
  | { readonly kind: 'set'; readonly name: string }
  | { readonly kind: 'unknown'; readonly text: string };
