import type { Counter } from '../ruleset/values/counter.ts';
import { printMatch } from './iptables-match.ts';
import { printTarget } from './iptables-target.ts';
import type { IptablesRule } from '../ruleset/iptables/rule.ts';
import type { IptablesTable } from '../ruleset/table.ts';

/** What a rule says behind `-A CHAIN`: `-s 192.0.2.0/24 -j DROP`. */
export const printIptablesRule = ({ matches, target }: IptablesRule): string =>
  [...matches.map(printMatch), ...(target === null ? [] : [printTarget(target)])].join(' ');

const printCounter = ({ packets, bytes }: Counter): string => `[${packets}:${bytes}]`;

/** A table as iptables-restore reads it, with counters where there are any. */
export const printIptablesTable = ({ name, chains }: IptablesTable): string => {
  const lines = [`*${name}`];
  for (const chain of chains.values()) {
    const policy = chain.base === null ? '-' : chain.base.policy.toUpperCase();
    lines.push(`:${chain.name} ${policy} ${printCounter(chain.counter ?? { packets: 0n, bytes: 0n })}`);
  }
  for (const chain of chains.values())
    for (const rule of chain.rules) {
      const said = printIptablesRule(rule);
      const counter = rule.counter === null ? '' : `${printCounter(rule.counter)} `;
      lines.push(`${counter}-A ${chain.name}${said === '' ? '' : ` ${said}`}`);
    }
  return `${[...lines, 'COMMIT'].join('\n')}\n`;
};

/** The tables of one engine and family as one file for iptables-restore or ip6tables-restore. */
export const printIptables = (tables: readonly IptablesTable[]): string => tables.map(printIptablesTable).join('');
