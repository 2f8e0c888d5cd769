import type { Value } from '../ruleset/values/data-type.ts';
import type { MapElement } from '../ruleset/values/map-element.ts';
import type { ValueSource } from './value-source.ts';
import type { Verdict } from '../ruleset/values/verdict.ts';

/**
 * The meaning of a rule, the same for every dialect: what an evaluator does, one after another, until one of them does
 * not match. What a step does before a later one fails stays done (as in nft; iptables has its effects in the target,
 * which comes last).
 */
export type Step =
  /**
   * The value read is one of the values (a name: equals; a wildcard: begins with; a range: lies in). A reading that
   * gives nothing (a port of a later fragment, a conntrack field of a packet without a connection, a user without a
   * socket) matches nothing, not even negated.
   */
  | { readonly kind: 'test'; readonly field: ValueSource; readonly negate: boolean; readonly values: readonly Value[] }
  /** One of the alternatives holds: all tests of one of the lists. They are tests and look-ups only. */
  | { readonly kind: 'any'; readonly of: readonly (readonly Step[])[]; readonly negate: boolean }
  /** The key is in a set of the rule's own table, or in the elements. */
  | {
      readonly kind: 'lookup';
      readonly key: readonly ValueSource[];
      readonly negate: boolean;
      readonly set: string | readonly (readonly Value[])[];
    }
  /**
   * The packet is in an ipset; which fields make up the key follows from the set's type and the directions (see
   * ipset.ts).
   */
  | {
      readonly kind: 'ipset';
      readonly set: string;
      readonly directions: readonly ('src' | 'dst')[];
      readonly negate: boolean;
      /** `--return-nomatch`: elements with the flag nomatch count as hits, and no others. */
      readonly returnNomatch: boolean;
    }
  /** Where the key is in the map (of the rule's own table), its verdict; else the rule does not match. */
  | {
      readonly kind: 'verdict-map';
      readonly key: readonly ValueSource[];
      readonly map: string | readonly MapElement[];
    }
  /**
   * One of the arms; the shares sum to 1. After the arm's own steps the rule goes on; null: in this arm the rule does
   * not match.
   */
  | {
      readonly kind: 'choose';
      /** random: for each packet anew. turn: one after another. hash: the same flow always the same. */
      readonly how: 'random' | 'turn' | 'hash';
      readonly arms: readonly Arm[];
    }
  /**
   * May fail to match for reasons outside the packet: a rate, a full set, a list that packets fill, the time of day.
   */
  | {
      readonly kind: 'maybe';
      readonly why: Uncertain;
      /** The list, set, limit or object that it depends on. */
      readonly name?: string;
      /** As it is written. */
      readonly text?: string;
    }
  /** Remembers something for later packets and never fails. */
  | { readonly kind: 'record'; readonly what: 'recent' | 'dynamic-set' | 'ipset' | 'connmark'; readonly name: string }
  /** `field = (field & keep) ^ value`. `keep` 0 replaces it. Where the reading gives nothing, nothing is written. */
  | {
      readonly kind: 'write';
      readonly field: 'mark' | 'ct-mark' | 'ct-zone' | 'dscp' | 'priority' | 'ttl' | 'length' | 'other';
      readonly keep: bigint;
      readonly value: ValueSource;
    }
  /** The connection tracker leaves this packet alone. */
  | { readonly kind: 'notrack' }
  | NatStep
  /** The packet is given to a local socket; without one (`otherwise`) iptables drops it, nft goes on. */
  | {
      readonly kind: 'tproxy';
      readonly address: ValueSource | null;
      readonly port: ValueSource | null;
      readonly otherwise: 'drop' | 'continue';
    }
  /** Changes nothing about where the packet goes. */
  | { readonly kind: 'note'; readonly what: Note; readonly text?: string }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /**
   * Not understood (law 6: never guessed): it may match or not; `match-and-decide`: where it matches, anything can
   * happen.
   */
  | { readonly kind: 'unknown'; readonly text: string; readonly may: 'match' | 'match-and-decide' };

export interface Arm {
  readonly share: Fraction;
  readonly then: readonly Step[] | null;
}

/** `over / of`, in lowest terms. */
export interface Fraction {
  readonly over: bigint;
  readonly of: bigint;
}

export type Uncertain = 'limit' | 'hashlimit' | 'connlimit' | 'quota' | 'recent' | 'dynamic-set' | 'time' | 'nth';

export type Note = 'counter' | 'log' | 'trace' | 'copy' | 'offload' | 'mangle' | 'comment' | 'other';

/**
 * A rewriting of addresses. It ends the chain walk like accept (in nat chains the first that makes a mapping decides
 * for the connection, net/netfilter/nf_nat_core.c, nf_nat_inet_fn).
 */
export interface NatStep {
  readonly kind: 'nat';
  /**
   * netmap keeps the host part of the address: the prefix in `to` replaces the rest; it is a DNAT or SNAT by the hook.
   */
  readonly how: 'dnat' | 'snat' | 'masquerade' | 'redirect' | 'netmap';
  readonly to: NatTarget;
  readonly random: boolean;
  readonly persistent: boolean;
  /** Packets of the other family go on as if it were not there (net/netfilter/nft_nat.c, nft_nat_inet_eval). */
  readonly family?: 4 | 6;
}

/** What is rewritten to; null keeps it (or, for masquerade and redirect, the address follows from the interface). */
export interface NatTarget {
  /** A constant with a range stands for one of its addresses (netmap: for the whole network). */
  readonly address: ValueSource | null;
  readonly port: ValueSource | null;
}
