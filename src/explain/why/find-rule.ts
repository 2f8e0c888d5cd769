import { error, fail, ok, type Result } from '../../diagnostic/diagnostic.ts';
import type { Family } from '../../net/family.ts';
import { coversFamily } from '../../ruleset/hook.ts';
import { printIptablesRule } from '../../print/iptables.ts';
import { printRule } from '../../print/nft.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { AnyChain, AnyTable } from '../../ruleset/table.ts';

/** A rule of the ruleset that somebody asks about. */
export interface AskedRule {
  readonly table: AnyTable;
  readonly chain: AnyChain;
  /** From 1. */
  readonly number: number;
}

/** The part of a rule that two spellings share: without the command, the chain and what each tool adds by itself. */
const normalize = (text: string): string =>
  text
    .replace(/^(?:sudo\s+)?(?:ip6?tables|nft)\s+/, '')
    .replace(/(?:-t|--table)\s+\S+\s*/, '')
    .replace(/(?:-A|-I|--append|--insert)\s+\S+(?:\s+\d+)?/, '')
    .replace(/^(['"]?)(?:add|insert) rule (?:(?:ip|ip6|inet) )?\S+ \S+ /, '$1')
    .replace(/["']/g, '')
    .replace(/\/32\b/g, '')
    .replace(/-m (?:tcp|udp|sctp)\s/g, '')
    .replace(/\s+/g, ' ')
    .trim();

const ruleText = ({ chain, number }: AskedRule): string => {
  const rule = chain.rules[number - 1];
  return rule === undefined ? '' : rule.kind === 'iptables' ? printIptablesRule(rule) : printRule(rule);
};

/** `filter INPUT 3`, `ip6 filter INPUT 3`, or a rule's text. */
export const findRule = ({ tables }: Ruleset, family: Family, asked: string): Result<AskedRule> => {
  const own = tables.filter((table) => coversFamily(table.family, family));
  const [, namedFamily, tableName, chainName, numberText] =
    /^(?:(ip|ip6|inet) )?(\S+) (\S+) (\d+)$/.exec(asked.trim()) ?? [];
  if (tableName !== undefined && chainName !== undefined) {
    const candidates = own.filter(
      ({ name, family: one }) => name === tableName && (namedFamily === undefined || one === namedFamily),
    );
    const table = candidates.find(({ chains }) => chains.has(chainName));
    const chain = table?.chains.get(chainName);
    if (table === undefined || chain === undefined)
      return fail(
        error(
          'rule-unknown',
          `there is no chain ${tableName} ${chainName}`,
          undefined,
          `Tables with chains: ${own.map(({ name, chains }) => `${name} (${[...chains.keys()].slice(0, 3).join(', ')}…)`).join(', ')}`,
        ),
      );
    const number = Number(numberText);
    return number >= 1 && number <= chain.rules.length
      ? ok({ table, chain, number })
      : fail(
          error(
            'rule-unknown',
            `${tableName} ${chainName} has ${chain.rules.length} rules`,
            undefined,
            'Rules count from 1, as iptables -L --line-numbers shows',
          ),
        );
  }
  const wanted = normalize(asked);
  for (const table of own)
    for (const chain of table.chains.values())
      for (let number = 1; number <= chain.rules.length; number++)
        if (normalize(ruleText({ table, chain, number })) === wanted) return ok({ table, chain, number });
  return fail(
    error(
      'rule-unknown',
      `no rule reads ${JSON.stringify(asked.slice(0, 80))}`,
      undefined,
      "Name it by its place: --why-not 'filter INPUT 3'; a rule that is not there yet: --with 'iptables -I …'",
    ),
  );
};
