import { warning, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import { BUILT_IN } from '../ruleset/hook.ts';
import type { IptablesRule } from '../ruleset/iptables/rule.ts';
import type { Coverage } from '../ruleset/ruleset.ts';
import type { Statement } from '../ruleset/nft/statement.ts';
import type { AnyTable, Chain, IptablesTable, Rule, Table } from '../ruleset/table.ts';

const familyOf = (table: string): Family | null => (table === 'ip' ? 4 : table === 'ip6' ? 6 : null);

/** The tables that the iptables commands keep in nf_tables: no other table of these families has these names. */
const isIptablesOwn = ({ family, name }: AnyTable): boolean =>
  familyOf(family) !== null && Object.hasOwn(BUILT_IN, name);

/**
 * Each table once. nft lists the tables of iptables-nft too, and leaves out what it cannot translate. Where iptables'
 * own dump is there, it is the truth, and the nft copy adds only handles. Where it is not, rules of which something may
 * be missing are unknown.
 */
export const joinTables = (
  nft: readonly Table[] | null,
  iptables: readonly AnyTable[],
  covered: readonly Coverage[],
): {
  readonly tables: readonly AnyTable[];
  readonly covered: readonly Coverage[];
  readonly warnings: readonly Diagnostic[];
} => {
  const warnings: Diagnostic[] = [];
  const tables = [...iptables];
  for (const table of nft ?? []) {
    if (!isIptablesOwn(table)) {
      tables.push(table);
      continue;
    }
    const same = tables.find(
      (other): other is IptablesTable =>
        other.engine === 'iptables-nft' && other.family === table.family && other.name === table.name,
    );
    if (same !== undefined) tables[tables.indexOf(same)] = withHandles(same, table);
    else {
      const doubtful = markDoubtful(table);
      tables.push(doubtful.table);
      if (doubtful.unknown > 0)
        warnings.push(
          warning(
            'nft-shows-less',
            `${doubtful.unknown} rules of the ${table.family} table ${table.name} belong to iptables, and nft does not show all of them`,
            undefined,
            `Take them with: ${table.family === 'ip' ? 'iptables' : 'ip6tables'}-save -c`,
          ),
        );
    }
  }
  const all: Coverage[] = [...covered];
  if (nft !== null) {
    for (const family of FAMILIES) {
      all.push({ engine: 'nft', family });
      // No such table in nf_tables: iptables-nft has nothing there.
      const name = family === 4 ? 'ip' : 'ip6';
      if (!nft.some((table) => table.family === name && isIptablesOwn(table)))
        all.push({ engine: 'iptables-nft', family });
    }
  }
  const once = new Map(all.map((one) => [`${one.engine} ${one.family}`, one]));
  return { tables, covered: [...once.values()], warnings };
};

/** Puts the handles of the nft listing on the same rules; both list them in the same order. */
const withHandles = (table: IptablesTable, copy: Table): IptablesTable => ({
  ...table,
  chains: new Map(
    [...table.chains].map(([name, chain]): [string, Chain<IptablesRule>] => {
      const other = copy.chains.get(name);
      if (other === undefined) return [name, chain];
      const handle = other.handle === undefined ? {} : { handle: other.handle };
      if (other.rules.length !== chain.rules.length) return [name, { ...chain, ...handle }];
      const rules = chain.rules.map((rule, index): IptablesRule => {
        const known = other.rules[index]?.handle;
        return known === undefined ? rule : { ...rule, handle: known };
      });
      return [name, { ...chain, ...handle, rules }];
    }),
  ),
});

const ENDS: ReadonlySet<Statement['kind']> = new Set(['verdict', 'nat', 'reject', 'vmap', 'unknown']);

const isDoubtful = ({ statements }: Rule): boolean =>
  statements.some(({ kind }) => kind === 'xt') || !statements.some(({ kind }) => ENDS.has(kind));

const MISSING: Statement = { kind: 'unknown', text: 'a part of the rule that nft does not show' };

const markDoubtful = (table: Table): { readonly table: Table; readonly unknown: number } => {
  let unknown = 0;
  const chains = new Map(
    [...table.chains].map(([name, chain]): [string, Chain] => [
      name,
      {
        ...chain,
        rules: chain.rules.map((rule) => {
          if (!isDoubtful(rule)) return rule;
          unknown++;
          return { ...rule, statements: [...rule.statements.filter(({ kind }) => kind !== 'xt'), MISSING] };
        }),
      },
    ]),
  );
  return { table: unknown === 0 ? table : { ...table, chains, opaque: true }, unknown };
};
