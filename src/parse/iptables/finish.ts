import { warning } from '../../diagnostic/diagnostic.ts';
import { BUILT_IN } from '../../ruleset/hook.ts';
import type { IptablesRule } from '../../ruleset/iptables/rule.ts';
import type { Coverage } from '../../ruleset/ruleset.ts';
import type { BaseChain, Chain, IptablesTable } from '../../ruleset/table.ts';
import { guessFamily, guessTable } from './guess.ts';
import {
  SAVE_HINT,
  SHOWN_REMARKS,
  note,
  type ChainDraft,
  type IptablesDump,
  type SaveState,
  type TableDraft,
} from './save-state.ts';

/** What was not shown line by line is at least counted. */
export const noteTheRest = ({ remarks, report, source }: SaveState): void => {
  const { diagnostics, more } = report;
  if (remarks.count > SHOWN_REMARKS)
    diagnostics.push({
      ...warning(
        'not-a-rule',
        `${remarks.count - SHOWN_REMARKS} more lines are no rules, the last one here`,
        remarks.last,
      ),
      source,
    });
  if (more > 0)
    diagnostics.push({ ...warning('more-warnings', `${more} more warnings of this dump are not shown`), source });
};

/** The tables of everything that was read, with what a person should know about the whole. */
export const finish = (reading: SaveState): IptablesDump => {
  const { hints, source } = reading;
  const tables: IptablesTable[] = [];
  const covered: Coverage[] = [];
  for (const draft of reading.tables) {
    const chains = [...draft.chains.values()];
    const family = draft.family ?? hints.family ?? guessFamily(chains) ?? 4;
    const engine = draft.engine ?? hints.engine ?? 'iptables-legacy';
    const name = draft.name ?? hints.table ?? guessTable(chains);
    if (draft.name === null)
      note(
        reading,
        warning(
          'table-guessed',
          `the dump does not name the table; these rules look like ${name}`,
          undefined,
          SAVE_HINT,
        ),
      );
    const cut = noteMissingChains(reading, name, draft);
    const familyName = family === 4 ? 'ip' : 'ip6';
    const before = tables.findIndex(
      (table) => table.engine === engine && table.family === familyName && table.name === name,
    );
    const finished = new Map<string, Chain<IptablesRule>>();
    for (const chain of chains) finished.set(chain.name, finishChain(chain, name));
    const table: IptablesTable = {
      engine,
      family: familyName,
      name,
      chains: before === -1 ? finished : joinChains(tables[before]?.chains ?? new Map(), finished),
      sets: new Map(),
      counters: new Map(),
      file: source.name,
    };
    if (before === -1) tables.push(table);
    else tables[before] = table;
    if (draft.whole && !cut && !covered.some((one) => one.engine === engine && one.family === family))
      covered.push({ engine, family });
  }
  return { tables, covered, ...reading.counts };
};

/** Excerpts that turn out to be of the same table. */
const joinChains = (
  first: ReadonlyMap<string, Chain<IptablesRule>>,
  second: ReadonlyMap<string, Chain<IptablesRule>>,
): ReadonlyMap<string, Chain<IptablesRule>> => {
  const joined = new Map(first);
  for (const [name, chain] of second) {
    const known = joined.get(name);
    joined.set(name, known === undefined ? chain : { ...known, rules: [...known.rules, ...chain.rules] });
  }
  return joined;
};

const finishChain = (draft: ChainDraft, table: string): Chain<IptablesRule> => {
  const place = BUILT_IN[table]?.get(draft.name);
  const base: BaseChain | null =
    place === undefined ? draft.base : { ...place, policy: draft.base?.policy ?? 'accept' };
  const { name, rules, line, counter } = draft;
  return counter === null ? { name, base, rules, line } : { name, base, rules, line, counter };
};

const noteMissingChains = (reading: SaveState, table: string, { chains, missing: named }: TableDraft): boolean => {
  const missing = new Set<string>();
  for (const { name, rules, declared } of chains.values()) if (!declared && rules.length > 0) missing.add(name);
  for (const name of named) if (!chains.has(name)) missing.add(name);
  if (missing.size === 0) return false;
  const [first, ...more] = missing;
  note(
    reading,
    warning(
      'chain-not-in-dump',
      `the dump does not declare the ${table} chain ${first}${more.length > 0 ? ` and ${more.length} more` : ''}: what is in it is not known`,
      undefined,
      'Take the whole dump',
    ),
  );
  return true;
};
