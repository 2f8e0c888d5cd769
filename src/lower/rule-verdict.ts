import type { AnyRule } from '../ruleset/table.ts';
import { lower } from './lower.ts';
import type { Step } from './step.ts';

const wordOf = (step: Step): string | null => {
  switch (step.kind) {
    case 'verdict':
      return 'chain' in step.verdict ? `${step.verdict.kind} ${step.verdict.chain}` : step.verdict.kind;
    case 'verdict-map':
      return 'vmap';
    case 'nat':
      return step.how;
    case 'tproxy':
      return 'tproxy';
    case 'unknown':
      return step.may === 'match-and-decide' ? 'unknown' : null;
    case 'choose':
      return (
        step.arms
          .flatMap(({ then }) => then ?? [])
          .map(wordOf)
          .find((word) => word !== null) ?? null
      );
    case 'test':
    case 'lookup':
    case 'any':
    case 'ipset':
    case 'maybe':
    case 'record':
    case 'write':
    case 'notrack':
    case 'note':
      return null;
  }
};

/**
 * What a rule does with a packet that it matches: `accept`, `drop`, `reject`, `return`, `queue`, `jump CHAIN`, `goto
 * CHAIN`, `dnat`, `snat`, `masquerade`, `redirect`, `netmap`, `tproxy`, `vmap` (a map says it), `unknown` (not
 * understood), else `continue`.
 */
export const ruleVerdict = (rule: AnyRule): string =>
  lower(rule)
    .map(wordOf)
    .find((word) => word !== null) ?? 'continue';
