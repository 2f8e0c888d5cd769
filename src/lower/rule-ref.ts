import type { Engine } from '../ruleset/engine.ts';
import { ruleVerdict } from './rule-verdict.ts';
import type { AnyChain, AnyTable } from '../ruleset/table.ts';
import type { TableFamily } from '../ruleset/values/table-family.ts';

/** Where something is decided, so that a person finds it again; shared by trace, decidedBy, findings and diff. */
export interface RuleRef {
  readonly engine: Engine | 'ipvs' | 'routing' | 'socket';
  /** ip, ip6, inet, … */
  readonly family: TableFamily;
  readonly table: string;
  readonly chain: string;
  /** From 1, as iptables numbers them, or the policy of the base chain. */
  readonly rule: number | 'policy';
  readonly handle?: number;
  readonly file?: string;
  readonly line?: number;
  /** As the dump's own tool writes it, without counters. */
  readonly text: string;
  /**
   * What it does with what it matches: a rule's as {@link ruleVerdict} says it, a policy's accept or drop, `balance` of
   * an IPVS service; nothing where it is a route, a check or a socket.
   */
  readonly verdict: string | null;
}

/**
 * The reference of a rule (`number` from 1) or of a chain's policy. `text` prints the rule (print-iptables.ts,
 * print-nft.ts); it is asked only for rules that are shown.
 */
export const ruleRef = (table: AnyTable, chain: AnyChain, number: number | 'policy', text: string): RuleRef => {
  const rule = number === 'policy' ? undefined : chain.rules[number - 1];
  const line = rule === undefined ? chain.line : rule.line === 0 ? undefined : rule.line;
  return {
    engine: table.engine,
    family: table.family,
    table: table.name,
    chain: chain.name,
    rule: number,
    ...(rule?.handle === undefined ? {} : { handle: rule.handle }),
    ...(table.file === undefined ? {} : { file: table.file }),
    ...(line === undefined ? {} : { line }),
    text,
    verdict: rule === undefined ? (chain.base?.policy ?? 'accept') : ruleVerdict(rule),
  };
};

/** `ip filter INPUT 3`: a rule as people name it; the family is left out for IPv4. */
export const refText = ({ family, table, chain, rule }: RuleRef): string =>
  `${family === 'ip' ? '' : `${family} `}${table} ${chain} ${rule}`;
