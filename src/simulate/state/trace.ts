import type { Hook } from '../../ruleset/hook.ts';
import type { Fraction, NatStep, Note } from '../../lower/step.ts';
import type { Verdict } from '../../ruleset/values/verdict.ts';
import type { Assumption, Endpoint, Outcome } from './outcome.ts';
import type { PacketSet } from './packet-set.ts';
import type { Place } from './place.ts';

/** The packet's header at a moment. */
export interface Header {
  /** null: still a set of sources. */
  readonly source: bigint | null;
  readonly destination: bigint;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  readonly mark: bigint;
  /** Empty: none at this hook. */
  readonly in: string;
  readonly out: string;
}

/** What a rule did to a packet that matched it. */
export type Effect =
  | { readonly kind: 'mark' | 'ct-mark'; readonly from: bigint; readonly to: bigint }
  | { readonly kind: 'write'; readonly field: string }
  | { readonly kind: 'notrack' }
  /** A rewriting; the address is null where it stays. */
  | { readonly kind: 'nat'; readonly how: NatStep['how']; readonly from: Endpoint; readonly to: Endpoint }
  /** The key was found in a set, an ipset or a verdict map. */
  | { readonly kind: 'set'; readonly set: string; readonly negate: boolean }
  | { readonly kind: 'record'; readonly what: string; readonly name: string }
  | { readonly kind: 'note'; readonly what: Note; readonly text: string };

/** One event on a packet's way. */
export type TraceStep =
  /** A base chain is entered: what follows, up to the next `hop`, `route` or `ipvs`, happens in it. */
  | {
      readonly kind: 'hop';
      readonly hook: Hook;
      readonly at: Place;
      readonly priority: number;
      readonly header: Header;
    }
  /**
   * A rule matched; null: it had no verdict and the next rule follows. A rewriting has the verdict accept. `perhaps`:
   * whether it matched cannot be told and makes no difference.
   */
  | {
      readonly kind: 'rule';
      readonly at: Place;
      readonly effects: readonly Effect[];
      readonly verdict: Verdict | null;
      readonly perhaps?: true;
    }
  /** The end of a chain that was jumped to. */
  | { readonly kind: 'return'; readonly at: Place }
  /** The end of a base chain: its policy. */
  | { readonly kind: 'policy'; readonly at: Place; readonly verdict: 'accept' | 'drop' }
  /** The nat chains of a hook are passed by: the connection is decided, or not tracked. */
  | { readonly kind: 'nat-skipped'; readonly hook: Hook; readonly why: 'decided' | 'untracked' | 'invalid' }
  /** The tracker, or IPVS a server's answer, rewrites a packet of a connection that was decided before. */
  | { readonly kind: 'translated'; readonly hook: Hook; readonly by: 'nat' | 'ipvs'; readonly header: Header }
  | {
      readonly kind: 'route';
      /** again: after an output chain changed what the route depends on. */
      readonly when: 'input' | 'output' | 'again';
      readonly at: Place;
      readonly decision: 'local' | 'forward' | 'refused' | 'unknown';
      readonly out: string | null;
      readonly nextHop: bigint | null;
      /** The kernel's choice for a packet of the node itself. */
      readonly source: bigint | null;
    }
  /** IPVS takes the packet over. */
  | { readonly kind: 'ipvs'; readonly hook: Hook; readonly at: Place; readonly to: Endpoint | null }
  /** The packet reaches this node's own stack. */
  | { readonly kind: 'socket'; readonly at: Place; readonly listener: boolean | null };

/** Why the way forks. */
export type Fork = 'random' | 'turn' | 'hash' | 'match' | 'affinity' | 'order' | 'address' | 'source';

export interface Branch {
  /** Of this fork alone; null where it is no matter of chance. */
  readonly share: Fraction | null;
  /** What this branch assumes; null for chance. */
  readonly assuming: Assumption | null;
  readonly node: TraceNode;
}

/** A stretch of the way without forks, and what follows. A fork may lie in the middle of a hop. */
export interface TraceNode {
  readonly steps: readonly TraceStep[];
  readonly next:
    | { readonly kind: 'outcome'; /** Into `outcomes` of the trace. */ readonly index: number }
    | { readonly kind: 'fork'; readonly fork: Fork; readonly at: Place; readonly branches: readonly Branch[] };
}

/** All ways of a packet through a ruleset. */
export interface Trace {
  readonly packet: PacketSet;
  /** By probability, the highest first, then by `to`. Equal ends of several ways are one outcome. */
  readonly outcomes: readonly Outcome[];
  readonly root: TraceNode;
}
