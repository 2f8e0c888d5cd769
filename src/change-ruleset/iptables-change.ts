import type { Family } from '../net/family.ts';
import type { IptablesEngine } from '../ruleset/engine.ts';
import { BUILT_IN } from '../ruleset/hook.ts';
import type { IptablesRule } from '../ruleset/iptables/rule.ts';
import { printIptablesRule } from '../print/iptables.ts';
import type { AnyTable, Chain, IptablesTable } from '../ruleset/table.ts';
import type { TableFamily } from '../ruleset/values/table-family.ts';

/** What one iptables command changes. */
export interface IptablesChange {
  readonly family: Family;
  /** null: the command does not name the flavour (`iptables`). */
  readonly engine: IptablesEngine | null;
  readonly table: string;
  readonly chain: string;
  readonly what:
    | { readonly kind: 'append'; readonly rules: readonly IptablesRule[] }
    /** In front of the rule of that number, from 1. */
    | { readonly kind: 'insert'; readonly position: number; readonly rules: readonly IptablesRule[] }
    | { readonly kind: 'replace'; readonly position: number; readonly rules: readonly IptablesRule[] }
    | { readonly kind: 'delete-number'; readonly position: number }
    /** The first rule that says the same, for each of them. */
    | { readonly kind: 'delete'; readonly rules: readonly IptablesRule[] }
    | { readonly kind: 'new-chain' }
    | { readonly kind: 'flush' }
    | { readonly kind: 'delete-chain' }
    | { readonly kind: 'policy'; readonly policy: 'accept' | 'drop' };
}

/** The tables after a change, or why iptables would refuse it, in words. */
export type ChangeResult =
  | { readonly kind: 'changed'; readonly tables: readonly AnyTable[]; readonly engine: IptablesEngine }
  | { readonly kind: 'refused'; readonly because: string };

/**
 * Does to the tables what the command would do. Without a flavour it goes to the one that holds rules of that family;
 * where both or none do, to iptables-nft, which is what `iptables` means on current systems. A table that is not there
 * is made, as the kernel does.
 */
export const applyIptablesChange = (tables: readonly AnyTable[], change: IptablesChange): ChangeResult => {
  const family = change.family === 4 ? 'ip' : 'ip6';
  const engine = change.engine ?? engineOf(tables, family);
  const builtIn = BUILT_IN[change.table];
  if (builtIn === undefined) return { kind: 'refused', because: `there is no table ${change.table}` };
  const there = tables.find(
    (table): table is IptablesTable =>
      table.engine === engine && table.family === family && table.name === change.table,
  );
  const table = there ?? emptyTable(engine, family, change.table);
  const chains = changeChains(table.chains, change, builtIn.has(change.chain));
  if (typeof chains === 'string') return { kind: 'refused', because: chains };
  const changed: AnyTable = { ...table, chains };
  return {
    kind: 'changed',
    engine,
    tables: there === undefined ? [...tables, changed] : tables.map((one) => (one === there ? changed : one)),
  };
};

const engineOf = (tables: readonly AnyTable[], family: TableFamily): IptablesEngine => {
  const used = (engine: IptablesEngine) => tables.some((table) => table.engine === engine && table.family === family);
  return used('iptables-legacy') && !used('iptables-nft') ? 'iptables-legacy' : 'iptables-nft';
};

const emptyTable = (engine: IptablesEngine, family: TableFamily, name: string): IptablesTable => ({
  engine,
  family,
  name,
  chains: new Map(
    [...(BUILT_IN[name] ?? [])].map(([chain, place]) => [
      chain,
      { name: chain, base: { ...place, policy: 'accept' }, rules: [] },
    ]),
  ),
  sets: new Map(),
  counters: new Map(),
});

type Chains = ReadonlyMap<string, Chain<IptablesRule>>;

const changeChains = (
  chains: Chains,
  { chain: name, what, table }: IptablesChange,
  builtIn: boolean,
): Chains | string => {
  const chain = chains.get(name);
  if (what.kind === 'new-chain') {
    if (chain !== undefined || builtIn) return `the chain ${name} is there already`;
    return new Map([...chains, [name, { name, base: null, rules: [] }]]);
  }
  const place = BUILT_IN[table]?.get(name);
  const known: Chain<IptablesRule> | undefined =
    chain ?? (place === undefined ? undefined : { name, base: { ...place, policy: 'accept' }, rules: [] });
  if (known === undefined) return `there is no chain ${name} in the table ${table}`;
  if (what.kind === 'delete-chain') {
    if (builtIn) return `the chain ${name} cannot be deleted`;
    if (known.rules.length > 0) return `the chain ${name} is not empty`;
    return new Map([...chains].filter(([other]) => other !== name));
  }
  if (what.kind === 'policy') {
    if (known.base === null) return `the chain ${name} has no policy`;
    return new Map([...chains, [name, { ...known, base: { ...known.base, policy: what.policy } }]]);
  }
  const rules = changeRules(known.rules, what);
  return typeof rules === 'string' ? rules : new Map([...chains, [name, { ...known, rules }]]);
};

const changeRules = (
  rules: readonly IptablesRule[],
  what: Exclude<IptablesChange['what'], { kind: 'new-chain' | 'delete-chain' | 'policy' }>,
): readonly IptablesRule[] | string => {
  switch (what.kind) {
    case 'append':
      return [...rules, ...what.rules];
    case 'insert':
      if (what.position > rules.length + 1)
        return `there is no place ${what.position}: the chain has ${rules.length} rules`;
      return rules.toSpliced(what.position - 1, 0, ...what.rules);
    case 'replace':
    case 'delete-number':
      if (what.position > rules.length) return `there is no rule ${what.position}: the chain has ${rules.length} rules`;
      return rules.toSpliced(what.position - 1, 1, ...(what.kind === 'replace' ? what.rules : []));
    case 'delete': {
      let left = rules;
      for (const gone of what.rules) {
        const text = printIptablesRule(gone);
        const at = left.findIndex((rule) => printIptablesRule(rule) === text);
        if (at === -1) return `there is no rule ${text}`;
        left = left.toSpliced(at, 1);
      }
      return left;
    }
    case 'flush':
      return [];
  }
};
