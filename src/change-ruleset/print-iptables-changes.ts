import { printIptablesRule } from '../print/iptables.ts';
import type { IptablesRule } from '../ruleset/iptables/rule.ts';
import type { IptablesChange } from './iptables-change.ts';

const lines = (before: string, rules: readonly IptablesRule[]): readonly string[] =>
  rules.map((rule) => `${before} ${printIptablesRule(rule)}`);

const printChange = ({ chain, what }: IptablesChange): readonly string[] => {
  switch (what.kind) {
    case 'append':
      return lines(`-A ${chain}`, what.rules);
    case 'insert':
      // Each is inserted in front of the one before it, so the last one comes first.
      return lines(`-I ${chain} ${what.position}`, what.rules.toReversed());
    case 'replace':
      return lines(`-R ${chain} ${what.position}`, what.rules);
    case 'delete-number':
      return [`-D ${chain} ${what.position}`];
    case 'delete':
      return lines(`-D ${chain}`, what.rules);
    case 'new-chain':
      return [`:${chain} - [0:0]`];
    case 'flush':
      return [`-F ${chain}`];
    case 'delete-chain':
      return [`-X ${chain}`];
    case 'policy':
      return [`:${chain} ${what.policy.toUpperCase()} [0:0]`];
  }
};

/** Changes of one table of one family as `iptables-restore --noflush` reads them. */
export const printIptablesChanges = (table: string, changes: readonly IptablesChange[]): string =>
  `${[`*${table}`, ...changes.flatMap(printChange), 'COMMIT'].join('\n')}\n`;
