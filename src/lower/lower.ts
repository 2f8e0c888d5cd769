import { lowerIptables } from './lower-iptables.ts';
import { lowerNft } from './lower-nft.ts';
import type { Step } from './step.ts';
import type { AnyRule } from '../ruleset/table.ts';

const lowered = new WeakMap<AnyRule, readonly Step[]>();

/** The meaning of a rule of either dialect, from its syntax. Done for rules that are reached, once, and remembered. */
export const lower = (rule: AnyRule): readonly Step[] => {
  const known = lowered.get(rule);
  if (known !== undefined) return known;
  const steps = rule.kind === 'iptables' ? lowerIptables(rule) : lowerNft(rule);
  lowered.set(rule, steps);
  return steps;
};
