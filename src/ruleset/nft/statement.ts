import { zero, type Counter } from '../values/counter.ts';
import type { Value } from '../values/data-type.ts';
import type { Expression } from './expression.ts';
import type { MapElement } from '../values/map-element.ts';
import type { RejectKind, Verdict } from '../values/verdict.ts';

/** What a rule compares with. */
export type Operand =
  /** Values in place; any of them. */
  | { readonly kind: 'values'; readonly values: readonly Value[] }
  /** Values of several parts in place: `ip saddr . tcp dport { 192.0.2.1 . 22 }`; any of them. */
  | { readonly kind: 'elements'; readonly elements: readonly (readonly Value[])[] }
  /** Bits by name: `ct state new,related`, `ct status dnat`. Holds when any of the bits is set. */
  | { readonly kind: 'flags'; readonly values: readonly Value[] }
  /** A named set of the table. */
  | { readonly kind: 'set'; readonly name: string };

/** What `dnat`, `snat`, `masquerade` and `redirect` rewrite to. */
export interface NatStatement {
  readonly kind: 'nat';
  readonly how: 'dnat' | 'snat' | 'masquerade' | 'redirect';
  /** The family of the address where the statement names it (`dnat ip to …`, needed in inet tables). */
  readonly family: 'ip' | 'ip6' | null;
  /** An address, a range of them, a map, or (`dnat ip addr . port to …`) a map of address and port. */
  readonly address: Expression | null;
  readonly port: Expression | null;
  /** `random`, `fully-random`, `persistent`, `netmap`; and `addr . port` where address holds both parts. */
  readonly flags: readonly string[];
  /** `dnat ip addr . port to …`: `address` is a map or concatenation of address and port. */
  readonly both: boolean;
}

/** One statement of a rule, in nft's syntax (nft(8), STATEMENTS). What the model does not know is kept as text. */
export type Statement =
  | { readonly kind: 'match'; readonly left: readonly Expression[]; readonly negate: boolean; readonly right: Operand }
  | {
      readonly kind: 'vmap';
      readonly key: readonly Expression[];
      readonly map:
        | { readonly kind: 'named'; readonly name: string }
        | { readonly kind: 'inline'; readonly elements: readonly MapElement[] };
    }
  /** A packet fills a set: `update @ledger { … counter }`. `op` is update where it is not said. */
  | {
      readonly kind: 'update';
      readonly op?: 'add' | 'update' | 'delete';
      readonly set: string;
      readonly key: readonly Expression[];
      readonly counted: boolean;
      /** Seconds, where the statement gives the element its own time. */
      readonly timeout?: number;
      /**
       * Further statements of the element, e.g. `limit rate over 10/second` (a meter): the rule goes on only where they
       * match.
       */
      readonly inner?: readonly Statement[];
    }
  /** A packet fills a map: `update @m { KEY : DATA }`. */
  | {
      readonly kind: 'update-map';
      readonly op: 'add' | 'update' | 'delete';
      readonly map: string;
      readonly key: readonly Expression[];
      readonly data: readonly Expression[];
    }
  | { readonly kind: 'counter'; readonly counter: Counter }
  | { readonly kind: 'counter-named'; readonly name: string }
  | {
      readonly kind: 'limit';
      /** Per `per`; in packets, or in `unit` where that is given. */
      readonly rate: number;
      readonly per: string;
      readonly burst: number;
      /** bytes, kbytes, mbytes: a limit of volume. */
      readonly unit?: string;
      readonly burstUnit?: string;
      /** `limit rate over`: matches what exceeds it. */
      readonly over?: boolean;
    }
  /** A named limit, quota, helper, timeout, expectation, secmark or synproxy object that is referred to. */
  | {
      readonly kind: 'object';
      readonly of: 'limit' | 'quota' | 'ct helper' | 'ct timeout' | 'ct expectation' | 'secmark' | 'synproxy';
      readonly name: string;
    }
  | { readonly kind: 'quota'; readonly over: boolean; readonly text: string }
  | { readonly kind: 'connlimit'; readonly count: number; readonly over: boolean }
  | {
      readonly kind: 'reject';
      readonly with: RejectKind;
      /** The protocol family of the answer as it is written; icmpx where it is not said. */
      readonly type?: 'icmp' | 'icmpv6' | 'icmpx';
    }
  | NatStatement
  /** `meta mark set …`, `ct mark set …`, `ip dscp set …`: `target` becomes `value`. */
  | { readonly kind: 'mangle'; readonly target: Expression; readonly value: Expression }
  | { readonly kind: 'notrack' }
  | { readonly kind: 'log'; readonly text: string }
  /** The packet goes to a local socket. */
  | {
      readonly kind: 'tproxy';
      readonly family: 'ip' | 'ip6' | null;
      readonly address: Expression | null;
      readonly port: Expression | null;
    }
  | { readonly kind: 'dup'; readonly text: string }
  /** The packet leaves by another interface at once (ingress and egress hooks). */
  | { readonly kind: 'fwd'; readonly text: string }
  | { readonly kind: 'synproxy'; readonly text: string }
  /** `flow add @name`: later packets of the connection may pass all chains by. */
  | { readonly kind: 'offload'; readonly flowtable: string }
  | { readonly kind: 'comment'; readonly text: string }
  /**
   * An iptables match, target or watcher that nft can only name (`xt match "comment"`); what it does is not in the
   * listing.
   */
  | { readonly kind: 'xt'; readonly type: string; readonly name: string }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'unknown'; readonly text: string };

/** `left == right` (or `!=`) for one expression. */
export const match = (left: Expression, right: Operand, negate = false): Statement => ({
  kind: 'match',
  left: [left],
  negate,
  right,
});
export const values = (...list: readonly Value[]): Operand => ({ kind: 'values', values: list });
export const inSet = (name: string): Operand => ({ kind: 'set', name });
export const verdict = (value: Verdict): Statement => ({ kind: 'verdict', verdict: value });
export const counted = (counter: Counter = zero): Statement => ({ kind: 'counter', counter });
