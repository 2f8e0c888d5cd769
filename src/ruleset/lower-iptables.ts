import type { IptablesRule } from './iptables-rule.ts';
import type { Step } from './step.ts';

/** The meaning of an iptables rule, from its syntax. */
export const lowerIptables = (rule: IptablesRule): readonly Step[] => [
  { kind: 'unknown', text: `line ${rule.line}`, may: 'match-and-decide' },
];
