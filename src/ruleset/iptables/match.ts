import type { Family } from '../../net/family.ts';

/** An address and the bits of it that count, as `-s` takes them; bits that do not count are zero. */
export interface AddressMask {
  readonly family: Family;
  readonly address: bigint;
  /** Usually a prefix; iptables allows any pattern of bits. */
  readonly mask: bigint;
}

/** Numbers from `first` to `last`, both included: ports, lengths, minutes. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** `! --option value`: the option and whether it is inverted. */
export interface Inverted<T> {
  readonly negate: boolean;
  readonly value: T;
}

/** The connection states of `-m conntrack` and `-m state`; SNAT and DNAT are states of conntrack's own. */
export type ConnectionState = 'INVALID' | 'NEW' | 'ESTABLISHED' | 'RELATED' | 'UNTRACKED' | 'SNAT' | 'DNAT';

/** One option of `-m conntrack`. */
export type ConntrackTest =
  | { readonly kind: 'state'; readonly negate: boolean; readonly states: readonly ConnectionState[] }
  | { readonly kind: 'status'; readonly negate: boolean; readonly statuses: readonly string[] }
  | { readonly kind: 'protocol'; readonly negate: boolean; readonly protocol: number }
  | {
      readonly kind: 'address';
      readonly of: 'original-source' | 'original-destination' | 'reply-source' | 'reply-destination';
      readonly negate: boolean;
      readonly address: AddressMask;
    }
  | {
      readonly kind: 'port';
      readonly of: 'original-source' | 'original-destination' | 'reply-source' | 'reply-destination';
      readonly negate: boolean;
      readonly ports: NumberRange;
    }
  | { readonly kind: 'expire'; readonly negate: boolean; readonly seconds: NumberRange }
  | { readonly kind: 'direction'; readonly negate: boolean; readonly direction: 'ORIGINAL' | 'REPLY' };

/** One option of `-m ipvs`. */
export type IpvsTest =
  | { readonly kind: 'ipvs'; readonly negate: boolean }
  | { readonly kind: 'protocol'; readonly negate: boolean; readonly protocol: number }
  | { readonly kind: 'address'; readonly negate: boolean; readonly address: AddressMask }
  | { readonly kind: 'port' | 'control-port'; readonly negate: boolean; readonly port: number }
  | { readonly kind: 'direction'; readonly negate: boolean; readonly direction: 'ORIGINAL' | 'REPLY' }
  | { readonly kind: 'method'; readonly negate: boolean; readonly method: string };

/**
 * A module that cannot be evaluated from the packet alone, with its options as they are written (name first, then
 * values).
 */
export interface WrittenOption {
  readonly name: string;
  readonly negate: boolean;
  readonly values: readonly string[];
}

/**
 * One condition of an iptables rule, in the order in which it is written (iptables(8), iptables-extensions(8)). A
 * module and its options are one condition.
 */
export type IptablesMatch =
  | {
      readonly kind: 'address';
      readonly side: 'source' | 'destination';
      readonly negate: boolean;
      readonly address: AddressMask;
    }
  /** The name as it is written; a `+` at its end stands for every name that begins so. */
  | { readonly kind: 'interface'; readonly side: 'in' | 'out'; readonly negate: boolean; readonly name: string }
  /** The protocol number; 0 is every protocol. */
  | { readonly kind: 'protocol'; readonly negate: boolean; readonly protocol: number }
  | { readonly kind: 'fragment'; readonly negate: boolean }
  | {
      readonly kind: 'ports';
      readonly module: 'tcp' | 'udp' | 'sctp' | 'udplite' | 'dccp';
      readonly source: Inverted<NumberRange> | null;
      readonly destination: Inverted<NumberRange> | null;
      /** `--tcp-flags MASK SET`, as bits of the flags byte. */
      readonly flags: Inverted<{ readonly mask: number; readonly set: number }> | null;
      /** `--tcp-option NUMBER`. */
      readonly option: Inverted<number> | null;
    }
  | {
      readonly kind: 'icmp';
      readonly version: Family;
      readonly negate: boolean;
      /** null: any. */
      readonly type: number | null;
      readonly code: number | null;
    }
  | {
      readonly kind: 'multiport';
      readonly side: 'source' | 'destination' | 'either';
      readonly negate: boolean;
      readonly ports: readonly NumberRange[];
    }
  | { readonly kind: 'comment'; readonly text: string }
  | { readonly kind: 'conntrack'; readonly tests: readonly ConntrackTest[] }
  | { readonly kind: 'state'; readonly negate: boolean; readonly states: readonly ConnectionState[] }
  | {
      readonly kind: 'mark' | 'connmark';
      readonly negate: boolean;
      readonly value: number;
      readonly mask: number;
    }
  | {
      readonly kind: 'addrtype';
      readonly source: Inverted<readonly string[]> | null;
      readonly destination: Inverted<readonly string[]> | null;
      readonly limit: 'in' | 'out' | null;
    }
  | {
      readonly kind: 'set';
      readonly negate: boolean;
      readonly set: string;
      readonly directions: readonly ('src' | 'dst')[];
      /** `--return-nomatch`, `! --update-counters`, …: further options as they are written. */
      readonly options: readonly WrittenOption[];
    }
  /** A probability of `over` / 2^31, as the kernel holds it. */
  | { readonly kind: 'statistic-random'; readonly negate: boolean; readonly over: number }
  | { readonly kind: 'statistic-nth'; readonly negate: boolean; readonly every: number; readonly packet: number }
  | {
      readonly kind: 'recent';
      readonly negate: boolean;
      readonly action: 'set' | 'rcheck' | 'update' | 'remove';
      readonly list: string;
      readonly side: 'source' | 'destination';
      readonly mask: string | null;
      readonly seconds: number | null;
      readonly hitcount: number | null;
      readonly reap: boolean;
      readonly rttl: boolean;
    }
  | {
      readonly kind: 'iprange';
      readonly source: Inverted<{ readonly family: Family; readonly first: bigint; readonly last: bigint }> | null;
      readonly destination: Inverted<{ readonly family: Family; readonly first: bigint; readonly last: bigint }> | null;
    }
  /** 48 bits; null where the dump hides it (`XX:XX:XX:XX:XX:XX`). */
  | { readonly kind: 'mac'; readonly negate: boolean; readonly address: bigint | null; readonly text: string }
  | {
      readonly kind: 'physdev';
      readonly tests: readonly (
        | { readonly kind: 'in' | 'out'; readonly negate: boolean; readonly name: string }
        | { readonly kind: 'is-in' | 'is-out' | 'is-bridged'; readonly negate: boolean }
      )[];
    }
  | {
      readonly kind: 'owner';
      readonly tests: readonly (
        | {
            readonly kind: 'user' | 'group';
            readonly negate: boolean;
            readonly ids: NumberRange;
            readonly name: string | null;
          }
        | { readonly kind: 'socket-exists'; readonly negate: boolean }
        | { readonly kind: 'supplementary-groups' }
      )[];
    }
  /**
   * Rates and numbers of connections: they match or not for reasons outside the packet, in both directions of the test.
   */
  | {
      readonly kind: 'rate';
      readonly module: 'limit' | 'hashlimit' | 'connlimit' | 'quota' | 'time';
      readonly options: readonly WrittenOption[];
    }
  | {
      readonly kind: 'rpfilter';
      readonly loose: boolean;
      readonly validMark: boolean;
      readonly acceptLocal: boolean;
      readonly invert: boolean;
    }
  | {
      readonly kind: 'socket';
      readonly transparent: boolean;
      readonly noWildcard: boolean;
      readonly restoreMark: boolean;
    }
  | { readonly kind: 'ipvs'; readonly tests: readonly IpvsTest[] }
  | { readonly kind: 'nfacct'; readonly name: string }
  | { readonly kind: 'pkttype'; readonly negate: boolean; readonly type: string }
  /** Time to live (IPv4) or hop limit (IPv6). */
  | {
      readonly kind: 'ttl';
      readonly module: 'ttl' | 'hl';
      readonly negate: boolean;
      readonly op: 'eq' | 'lt' | 'gt';
      readonly value: number;
    }
  | { readonly kind: 'length'; readonly negate: boolean; readonly bytes: NumberRange }
  | { readonly kind: 'dscp'; readonly negate: boolean; readonly value: number }
  /**
   * A header between IPv6's own and the transport's (rt, frag, hbh, dst, …), or AH and ESP: the packet has one, as the
   * options say.
   */
  | { readonly kind: 'extension-header'; readonly module: string; readonly options: readonly WrittenOption[] }
  /** A module or an option that the model does not know, as it is written: it may match or not. */
  | { readonly kind: 'unknown'; readonly text: string };
