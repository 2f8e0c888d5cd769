import type { IptablesRule } from '../ruleset/iptables/rule.ts';
import { lowerMatch } from './lower-iptables-match.ts';
import { lowerTarget } from './lower-iptables-target.ts';
import type { Step } from './step.ts';

/** The meaning of an iptables rule, from its syntax: its conditions in order, then what its target does. */
export const lowerIptables = ({ matches, target }: IptablesRule): readonly Step[] => [
  ...matches.flatMap(lowerMatch),
  ...(target === null ? [] : lowerTarget(target)),
];
