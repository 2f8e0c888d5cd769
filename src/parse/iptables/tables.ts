import { warning } from '../../diagnostic/diagnostic.ts';
import { zero } from '../../ruleset/values/counter.ts';
import { BUILT_IN } from '../../ruleset/hook.ts';
import { noteOnce, type ChainDraft, type SaveState, type TableDraft } from './save-state.ts';
import { readCounter } from './rule.ts';

/** `*nat`: whether the line begins a table. */
export const beginTable = (reading: SaveState, start: number, end: number): boolean => {
  const name = reading.text.slice(start + 1, end);
  if (!/^[a-z]+$/.test(name)) return false;
  reading.at.committed = false;
  openTable(reading, name);
  return true;
};

const openTable = (reading: SaveState, name: string | null): TableDraft => {
  const { engine, family, whole } = reading.said;
  const same = (table: TableDraft) => table.name === name && table.engine === engine && table.family === family;
  const known = reading.tables.findIndex(same);
  const before = reading.tables[known];
  if (before !== undefined && !whole && !before.whole) {
    // Excerpts of one table in several pieces.
    useTable(reading, before);
    return before;
  }
  const table: TableDraft = { engine, family, name, chains: new Map(), missing: new Set(), whole };
  if (before === undefined) reading.tables.push(table);
  else {
    noteOnce(
      reading,
      'several',
      warning('several-dumps', `the table ${name} is dumped more than once; the last one counts`, undefined),
    );
    reading.tables[known] = table;
  }
  useTable(reading, table);
  return table;
};

const useTable = (reading: SaveState, table: TableDraft): void => {
  reading.at.table = table;
  reading.rule.chains = table.chains;
  reading.rule.missing = table.missing;
};

/** The table that the next line belongs to; an excerpt without one gets it from the prompt above, or none yet. */
export const currentTable = (reading: SaveState): TableDraft =>
  reading.at.table ?? openTable(reading, reading.said.tableName);

/** A chain of a table, made where it is named first. */
export const chainOf = (reading: SaveState, table: TableDraft, name: string): ChainDraft => {
  const known = table.chains.get(name);
  if (known !== undefined) return known;
  const chain: ChainDraft = {
    jump: null,
    goto: null,
    table,
    name,
    base: null,
    rules: [],
    counter: null,
    line: reading.at.line,
    declared: false,
  };
  table.chains.set(name, chain);
  return chain;
};

/** `:INPUT ACCEPT [0:0]`: whether the line declares a chain. */
export const declareChain = (reading: SaveState, start: number, end: number): boolean => {
  const { text } = reading;
  const behindName = wordEnd(text, start + 1, end);
  const behindPolicy = wordEnd(text, behindName + 1, end);
  const name = text.slice(start + 1, behindName);
  const policy = text.slice(behindName + 1, behindPolicy);
  if (name === '' || (policy !== '-' && policy !== 'ACCEPT' && policy !== 'DROP' && policy !== 'QUEUE')) return false;
  const table = currentTable(reading);
  const chain = chainOf(reading, table, name);
  chain.declared = true;
  chain.line = reading.at.line;
  setPolicy(chain, table, policy);
  if (text.startsWith(' [0:0]', behindPolicy)) chain.counter = zero;
  else {
    const counted = /^\s*\[(\d+):(\d+)\]$/.exec(text.slice(behindPolicy, end));
    chain.counter = counted === null ? null : readCounter(counted[1] ?? '0', counted[2] ?? '0');
  }
  return true;
};

/** Where the word that begins at `from` ends. */
const wordEnd = (text: string, from: number, end: number): number => {
  let at = from;
  while (at < end && text.charCodeAt(at) > 32) at++;
  return at;
};

/** The policy is kept here; where the chain is attached follows when the table's name is sure. */
export const setPolicy = (chain: ChainDraft, table: TableDraft, policy: string): void => {
  if (policy === '-') return;
  const place = BUILT_IN[table.name ?? '']?.get(chain.name);
  chain.base = {
    type: place?.type ?? 'filter',
    hook: place?.hook ?? chain.name.toLowerCase(),
    priority: place?.priority ?? 0,
    policy: policy === 'DROP' ? 'drop' : 'accept',
  };
};

/**
 * Puts the rules that were read into their chain: at once, because tens of thousands of chains hold two or three each.
 */
export const flushRules = (reading: SaveState): void => {
  const { chain, pending } = reading.at;
  if (chain !== null && chain.rules.length === 0) chain.rules = pending.slice();
  else if (chain !== null) for (const rule of pending) chain.rules.push(rule);
  pending.length = 0;
};
