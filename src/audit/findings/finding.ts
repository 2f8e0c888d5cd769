import type { RuleRef } from '../../lower/rule-ref.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { SimulateOptions } from '../../simulate/simulate.ts';
import type { Audited } from '../reach/audit.ts';

/** Every finding that an audit can make; each is described in docs/findings.md. */
export const FINDING_IDS = [
  'rule-never-sees-node-ports',
  'rule-behind-kube-proxy',
  'rule-shadowed',
  'rules-contradict',
  'redirect-to-listener',
  'both-iptables',
  'open-to-internet',
  'ipv6-open',
  'node-port-without-service',
  'leftover-mode',
  'client-address-hidden',
  'source-ranges-miss-node-port',
  'reachable-through-other-address',
  'route-localnet',
  'datapath-bypass',
  'same-priority',
  'reversed-connection',
] as const;

export type FindingId = (typeof FINDING_IDS)[number];

/** Something that an audit noticed. */
export interface Finding {
  readonly id: FindingId;
  readonly severity: 'high' | 'medium' | 'low';
  /** The rule that it is about; null: no single rule. */
  readonly ref: RuleRef | null;
  /** Ids of the exposures that it concerns. */
  readonly exposures: readonly string[];
  /** One sentence. */
  readonly reason: string;
  /** What to do: one sentence, or a command. */
  readonly cure: string;
}

/** What findings are made from. */
export interface Findings {
  readonly ruleset: Ruleset;
  readonly audited: readonly Audited[];
  /**
   * `namespace/name` of every Service that is known and `port/protocol` of its node ports; null: no Services were
   * given.
   */
  readonly servicePorts: ReadonlySet<string> | null;
  readonly options: SimulateOptions;
}
