import type { Counter } from '../../ruleset/values/counter.ts';
import type { BaseChain, Chain, Flowtable, NamedSet, Rule, Table } from '../../ruleset/table.ts';
import type { TableFamily } from '../../ruleset/values/table-family.ts';

/** A chain while its rules are read. */
export interface DraftChain {
  base: BaseChain | null;
  handle: number | undefined;
  /** Where it stands in a text. */
  readonly line?: number;
  readonly rules: Rule[];
  /** A policy given by itself, for a base chain that is there already. */
  policy?: BaseChain['policy'];
}

/** A table while its objects are read, in the order of the listing. */
export interface Draft {
  readonly family: TableFamily;
  readonly name: string;
  readonly flags: string[];
  readonly chains: Map<string, DraftChain>;
  readonly sets: Map<string, NamedSet>;
  readonly counters: Map<string, Counter>;
  readonly flowtables: Flowtable[];
}

/** A table of which only its flags (`dormant`, …) are known so far. */
export const newDraft = (family: TableFamily, name: string, flags: readonly string[] = []): Draft => ({
  family,
  name,
  flags: [...flags],
  chains: new Map(),
  sets: new Map(),
  counters: new Map(),
  flowtables: [],
});

const REJECTS: Partial<Readonly<Record<TableFamily, 'icmp' | 'icmpv6'>>> = { ip: 'icmp', ip6: 'icmpv6' };

/**
 * In a table of one family every ICMP answer is of that family. nft's JSON says so and its text does not
 * (src/evaluate.c, stmt_evaluate_reject_default).
 */
const withRejects = (family: TableFamily, rules: readonly Rule[]): readonly Rule[] => {
  const type = REJECTS[family];
  if (type === undefined) return rules;
  return rules.map((rule) =>
    rule.statements.some(({ kind }) => kind === 'reject')
      ? {
          ...rule,
          statements: rule.statements.map((statement) =>
            statement.kind === 'reject' && statement.with !== 'tcp-reset' ? { ...statement, type } : statement,
          ),
        }
      : rule,
  );
};

/** The finished table. */
export const tableOf = ({ family, name, flags, chains, sets, counters, flowtables }: Draft): Table => ({
  engine: 'nft',
  family,
  name,
  chains: new Map(
    [...chains].map(([chain, { base, handle, line, rules }]): [string, Chain] => [
      chain,
      {
        name: chain,
        base,
        rules: withRejects(family, rules),
        ...(line === undefined ? {} : { line }),
        ...(handle === undefined ? {} : { handle }),
      },
    ]),
  ),
  sets,
  counters,
  ...(flags.length === 0 ? {} : { flags }),
  ...(flowtables.length === 0 ? {} : { flowtables }),
});
