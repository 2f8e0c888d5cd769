import {
  error,
  fail,
  ok,
  warning,
  type Diagnostic,
  type Result,
  type Source,
  type Span,
} from '../diagnostic/diagnostic.ts';
import type { Family } from '../net/family.ts';
import { zero, type Counter } from '../ruleset/counter.ts';
import type { Engine } from '../ruleset/engine.ts';
import { BUILT_IN } from '../ruleset/hook.ts';
import type { IptablesMatch } from '../ruleset/iptables-match.ts';
import type { IptablesRule } from '../ruleset/iptables-rule.ts';
import type { IptablesTarget } from '../ruleset/iptables-target.ts';
import type { Told } from '../ruleset/ruleset.ts';
import type { BaseChain, Chain, Table } from '../ruleset/table.ts';
import { guessFamily, guessTable } from './iptables-guess.ts';
import { readCounter, readRule, ruleReader, variantsOf, type RuleProblem, type RuleReader } from './iptables-rule.ts';
import { emptyWords, splitWords, type Words } from './iptables-words.ts';

/** What an iptables dump holds, and how much of it is understood. */
export interface IptablesDump {
  readonly tables: readonly Table<IptablesRule>[];
  /** Engines and families of which the dump tells every table; an excerpt tells none. */
  readonly told: readonly Told[];
  /** Lines that are rules. */
  readonly rules: number;
  /** Of these, how many are known in syntax and meaning. */
  readonly understood: number;
  /** Rules with a value that somebody has blacked out (`XX:XX:…`): understood, but what they match is not known. */
  readonly redacted: number;
}

/** What the caller knows about a dump, from its file name or an option; what the dump itself says comes first. */
export interface IptablesHints {
  readonly engine?: Engine;
  readonly family?: Family;
  readonly table?: string;
}

interface ChainDraft {
  readonly table: TableDraft;
  readonly name: string;
  base: BaseChain | null;
  rules: IptablesRule[];
  counter: Counter | null;
  line: number;
  declared: boolean;
}

interface TableDraft {
  engine: Engine | null;
  family: Family | null;
  name: string | null;
  readonly chains: Map<string, ChainDraft>;
  readonly jumps: Map<string, IptablesTarget>;
  readonly gotos: Map<string, IptablesTarget>;
  /** Everything up to COMMIT of a whole dump, not an excerpt. */
  whole: boolean;
}

interface Reading {
  readonly source: Source;
  readonly text: string;
  readonly words: Words;
  readonly rule: RuleReader;
  readonly tables: TableDraft[];
  /** The chain of the last rule: the next one mostly belongs to it too. */
  chain: ChainDraft | null;
  /** Its rules that are not in it yet. */
  readonly pending: IptablesRule[];
  readonly diagnostics: Diagnostic[];
  readonly hints: IptablesHints;
  table: TableDraft | null;
  /** From the header or the prompt above; null: nothing said. */
  engine: Engine | null;
  family: Family | null;
  tableName: string | null;
  /** The dump began with its own header and nothing was cut out of it. */
  whole: boolean;
  committed: boolean;
  line: number;
  rules: number;
  understood: number;
  redacted: number;
  remarks: number;
  /** Where the last of them stands. */
  lastRemark: Span;
  /** Diagnostics beyond those that are kept. */
  more: number;
  listing: Span | null;
  noted: Set<string>;
}

/** Of lines that are no rules, so many are shown one by one. */
const SHOWN_REMARKS = 5;

/** Only so many of one kind are worth reading. */
const MOST_DIAGNOSTICS = 200;

const note = (reading: Reading, diagnostic: Diagnostic): void => {
  if (reading.diagnostics.length < MOST_DIAGNOSTICS)
    reading.diagnostics.push({ ...diagnostic, source: reading.source });
  else reading.more++;
};

const noteOnce = (reading: Reading, key: string, diagnostic: Diagnostic): void => {
  if (reading.noted.has(key)) return;
  reading.noted.add(key);
  note(reading, diagnostic);
};

/**
 * Reads what `iptables-save`, `ip6tables-save` (with and without `-c`, both flavours) and `iptables -S` print, also in the state in which
 * people paste it: with remarks, prompts and markdown around it, cut off, several in one file. Every line that is not understood becomes a
 * warning, and an `unknown` in the model where it is a rule. Fails where there is no rule and no table at all.
 */
export const parseIptables = (source: Source, hints: IptablesHints = {}): Result<IptablesDump> => {
  const text = source.text.includes('\n') ? source.text : source.text.replace(/\r/g, '\n');
  const words = emptyWords();
  const reading: Reading = {
    source,
    text,
    words,
    rule: ruleReader(text, words),
    tables: [],
    diagnostics: [],
    hints,
    table: null,
    chain: null,
    pending: [],
    engine: null,
    family: null,
    tableName: null,
    whole: false,
    committed: true,
    line: 0,
    rules: 0,
    understood: 0,
    redacted: 0,
    remarks: 0,
    lastRemark: { start: 0, end: 0 },
    more: 0,
    listing: null,
    noted: new Set(),
  };
  readLines(reading);
  flushRules(reading);
  if (reading.tables.length === 0)
    return reading.listing === null
      ? fail({ ...error('no-rules', 'there are no iptables rules in it', undefined, SAVE_HINT), source })
      : fail({
          ...error(
            'iptables-listing',
            'this is the listing of iptables -L, which leaves out interfaces, tables and much else',
            reading.listing,
            SAVE_HINT,
          ),
          source,
        });
  if (reading.listing !== null)
    note(
      reading,
      warning('iptables-listing', 'a listing of iptables -L stands in it and is left out', reading.listing, SAVE_HINT),
    );
  if (!reading.committed)
    note(
      reading,
      warning(
        'no-commit',
        'the dump ends without COMMIT: its end is missing',
        { start: Math.max(0, text.trimEnd().length - 1), end: text.length },
        'Take it again, and look at the size of the file',
      ),
    );
  const dump = finish(reading);
  noteTheRest(reading);
  return ok(dump, reading.diagnostics);
};

/** What was not shown line by line is at least counted. */
const noteTheRest = ({ remarks, lastRemark, more, diagnostics, source }: Reading): void => {
  if (remarks > SHOWN_REMARKS)
    diagnostics.push({
      ...warning('not-a-rule', `${remarks - SHOWN_REMARKS} more lines are no rules, the last one here`, lastRemark),
      source,
    });
  if (more > 0)
    diagnostics.push({ ...warning('more-warnings', `${more} more warnings of this dump are not shown`), source });
};

const SAVE_HINT = 'Take the rules with: iptables-save -c (and ip6tables-save -c)';

const readLines = (reading: Reading): void => {
  const { text } = reading;
  let from = text.startsWith('\ufeff') ? 1 : 0;
  while (from < text.length) {
    let end = text.indexOf('\n', from);
    const next = end === -1 ? text.length : end + 1;
    if (end === -1) end = text.length;
    reading.line++;
    let start = from;
    while (start < end && text.charCodeAt(start) <= 32) start++;
    while (end > start && text.charCodeAt(end - 1) <= 32) end--;
    if (start < end) readLine(reading, start, end);
    from = next;
  }
};

const readLine = (reading: Reading, start: number, end: number): void => {
  const { text } = reading;
  switch (text.charAt(start)) {
    case '-':
      return readCommand(reading, start, end, null);
    case '[':
      return readCountedRule(reading, start, end);
    case ':':
      return declareChain(reading, start, end);
    case '*':
      return beginTable(reading, start, end);
    case '#':
      return readComment(reading, start, end);
    case '`':
      return text.startsWith('```', start)
        ? noteOnce(reading, 'fence', warning('markdown', 'markdown stands around the dump', { start, end }))
        : remark(reading, start, end);
    case 'C':
      if (end - start === 6 && text.startsWith('COMMIT', start)) {
        reading.table = null;
        reading.committed = true;
        return;
      }
      if (/^Chain \S+ \((?:policy|\d+ references)/.test(text.slice(start, Math.min(end, start + 120)))) {
        reading.listing ??= { start, end };
        return;
      }
      return remark(reading, start, end);
    default:
      return remark(reading, start, end);
  }
};

const HEADER = /^# (?:Generated|Completed) by (ip6?tables)(?:-nft|-legacy)?-save v?\S*( \(nf_tables\))?/;
const OLD_HEADER = /^#\s*Generated by (ip6?tables)-save/;
const PROMPT = /^(?:.{0,60}?[#$>%]\s*)?(?:sudo\s+)?(ip6?tables)(-legacy|-nft)?(-save)?((?:\s+[^|;&]*)?)(\|.*)?$/;

const readComment = (reading: Reading, start: number, end: number): void => {
  const line = reading.text.slice(start, end);
  const header = HEADER.exec(line) ?? OLD_HEADER.exec(line);
  if (header !== null) {
    reading.family = header[1] === 'ip6tables' ? 6 : 4;
    // Since 1.8 the flavour on nf_tables names itself; the other one never does.
    reading.engine = header[2] === undefined ? 'iptables-legacy' : 'iptables-nft';
    reading.tableName = null;
    reading.whole = true;
    reading.table = null;
    return;
  }
  if (line.startsWith('# Completed on')) return;
  if (line.startsWith('# Warning: iptables-legacy tables present'))
    return noteOnce(
      reading,
      'legacy-present',
      warning(
        'legacy-tables-present',
        'there are legacy tables beside these, which this dump does not hold',
        { start, end },
        'Take them too, with: iptables-legacy-save -c',
      ),
    );
  if (readPrompt(reading, line)) return;
};

/** `$ sudo iptables-save -t nat | grep X`, `# ip6tables -S`: says which rules follow. */
const readPrompt = (reading: Reading, line: string): boolean => {
  const prompt = PROMPT.exec(line);
  if (prompt === null) return false;
  const [, program, flavour, save, options = '', pipe] = prompt;
  if (save === undefined && !/(?:^|\s)(?:-S|--list-rules|-L|-n|-v)/.test(options)) return false;
  reading.family = program === 'ip6tables' ? 6 : 4;
  reading.engine = flavour === '-legacy' ? 'iptables-legacy' : flavour === '-nft' ? 'iptables-nft' : null;
  reading.tableName = /(?:-t|--table)[\s=]*(\S+)/.exec(options)?.[1] ?? (save === undefined ? 'filter' : null);
  reading.whole = save !== undefined && reading.tableName === null && pipe === undefined;
  reading.table = null;
  reading.committed = true;
  return true;
};

const remark = (reading: Reading, start: number, end: number): void => {
  const line = reading.text.slice(start, Math.min(end, start + 400));
  if (readPrompt(reading, line)) return;
  // Output of iptables -L goes on below its heading.
  if (reading.listing !== null && reading.table === null) return;
  const command = /(?:^|\s)(-[AINP]\s+\S.*)$/.exec(line);
  if (reading.table !== null && command !== null && /^[[\d:\]\s]*$/.test(line.slice(0, command.index)))
    return readCommand(reading, start + command.index + 1, end, null);
  reading.remarks++;
  reading.lastRemark = { start, end };
  if (reading.remarks <= SHOWN_REMARKS)
    note(reading, warning('not-a-rule', 'a line between the rules is no rule', { start, end }));
};

const beginTable = (reading: Reading, start: number, end: number): void => {
  const name = reading.text.slice(start + 1, end);
  if (!/^[a-z]+$/.test(name)) return remark(reading, start, end);
  reading.committed = false;
  openTable(reading, name);
};

const openTable = (reading: Reading, name: string | null): TableDraft => {
  const { engine, family, whole } = reading;
  const same = (table: TableDraft) => table.name === name && table.engine === engine && table.family === family;
  const known = reading.tables.findIndex(same);
  const before = reading.tables[known];
  if (before !== undefined && !whole && !before.whole) {
    // Excerpts of one table in several pieces.
    useTable(reading, before);
    return before;
  }
  const table: TableDraft = { engine, family, name, chains: new Map(), jumps: new Map(), gotos: new Map(), whole };
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

const useTable = (reading: Reading, table: TableDraft): void => {
  reading.table = table;
  reading.rule.jumps = table.jumps;
  reading.rule.gotos = table.gotos;
  reading.rule.isChain = (name) => table.chains.get(name)?.declared === true;
};

const currentTable = (reading: Reading): TableDraft => reading.table ?? openTable(reading, reading.tableName);

const chainOf = (reading: Reading, table: TableDraft, name: string): ChainDraft => {
  const known = table.chains.get(name);
  if (known !== undefined) return known;
  const chain: ChainDraft = { table, name, base: null, rules: [], counter: null, line: reading.line, declared: false };
  table.chains.set(name, chain);
  return chain;
};

const declareChain = (reading: Reading, start: number, end: number): void => {
  const { text } = reading;
  const behindName = wordEnd(text, start + 1, end);
  const behindPolicy = wordEnd(text, behindName + 1, end);
  const name = text.slice(start + 1, behindName);
  const policy = text.slice(behindName + 1, behindPolicy);
  if (name === '' || (policy !== '-' && policy !== 'ACCEPT' && policy !== 'DROP' && policy !== 'QUEUE'))
    return remark(reading, start, end);
  const table = currentTable(reading);
  const chain = chainOf(reading, table, name);
  chain.declared = true;
  chain.line = reading.line;
  setPolicy(chain, table, policy);
  if (text.startsWith(' [0:0]', behindPolicy)) chain.counter = zero;
  else {
    const counted = /^\s*\[(\d+):(\d+)\]$/.exec(text.slice(behindPolicy, end));
    chain.counter = counted === null ? null : readCounter(counted[1] ?? '0', counted[2] ?? '0');
  }
};

/** Where the word that begins at `from` ends. */
const wordEnd = (text: string, from: number, end: number): number => {
  let at = from;
  while (at < end && text.charCodeAt(at) > 32) at++;
  return at;
};

/** The policy is kept here; where the chain hangs follows when the table's name is sure. */
const setPolicy = (chain: ChainDraft, table: TableDraft, policy: string): void => {
  if (policy === '-') return;
  const place = BUILT_IN[table.name ?? '']?.get(chain.name);
  chain.base = {
    type: place?.type ?? 'filter',
    hook: place?.hook ?? chain.name.toLowerCase(),
    priority: place?.priority ?? 0,
    policy: policy === 'DROP' ? 'drop' : 'accept',
  };
};

const ZERO = 48;
const NINE = 57;

/** `[12:345] -A …` */
const readCountedRule = (reading: Reading, start: number, end: number): void => {
  const { text } = reading;
  if (text.startsWith('[0:0] -', start)) return readCommand(reading, start + 6, end, zero);
  let colon = start + 1;
  while (colon < end && isDigit(text.charCodeAt(colon))) colon++;
  let close = colon + 1;
  while (close < end && isDigit(text.charCodeAt(close))) close++;
  if (text.charAt(colon) !== ':' || text.charAt(close) !== ']') return remark(reading, start, end);
  let from = close + 1;
  while (from < end && text.charCodeAt(from) <= 32) from++;
  if (text.charAt(from) !== '-') return remark(reading, start, end);
  readCommand(reading, from, end, readCounter(text.slice(start + 1, colon), text.slice(colon + 1, close)));
};

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;

const readCommand = (reading: Reading, start: number, end: number, counter: Counter | null): void => {
  const { words, text } = reading;
  splitWords(words, text, start, end);
  const [command, name] = words.list;
  if (words.remark !== -1)
    note(reading, warning('remark', 'a remark stands behind the rule', { start: words.remark, end }));
  switch (words.count < 2 ? undefined : command) {
    case '-A':
    case '--append':
      return appendRule(reading, name ?? '', 2, null, start, end, counter);
    case '-I':
    case '--insert': {
      const position = /^\d+$/.test(words.list[2] ?? '') && words.count > 2 ? Number(words.list[2]) : null;
      return appendRule(reading, name ?? '', position === null ? 2 : 3, position ?? 1, start, end, counter);
    }
    case '-N':
    case '--new-chain': {
      chainOf(reading, currentTable(reading), name ?? '').declared = true;
      return;
    }
    case '-P':
    case '--policy': {
      const table = currentTable(reading);
      const chain = chainOf(reading, table, name ?? '');
      chain.declared = true;
      setPolicy(chain, table, words.list[2] ?? 'ACCEPT');
      return;
    }
    case undefined:
    default:
      // -D, -F, -X, … change what was there before; a dump has none of them.
      if (/^-{1,2}[A-Za-z]/.test(command ?? '') && reading.table !== null) {
        reading.rules++;
        note(
          reading,
          warning('command-unknown', `${command} is no line of a dump and was left out`, { start, end }, SAVE_HINT),
        );
      } else remark(reading, start, end);
  }
};

const appendRule = (
  reading: Reading,
  chainName: string,
  from: number,
  position: number | null,
  start: number,
  end: number,
  counter: Counter | null,
): void => {
  const table = currentTable(reading);
  const last = reading.chain;
  if (last === null || last.name !== chainName || last.table !== table || position !== null) {
    flushRules(reading);
    reading.chain = chainOf(reading, table, chainName);
  }
  const read = reading.rule;
  readRule(read, from);
  reading.rules++;
  if (read.problems.length > 0) noteProblems(reading, read.problems, start, end);
  else reading.understood++;
  const { line } = reading;
  const variants = read.lists.length === 0 ? null : variantsOf(read);
  for (let index = 0; index < (variants?.length ?? 1); index++) {
    const matches = variants?.[index] ?? read.matches.slice();
    if (matches.some(isRedacted)) reading.redacted++;
    const rule: IptablesRule = {
      kind: 'iptables',
      matches,
      target: read.target,
      counter: counter ?? read.counter,
      line,
    };
    if (position === null) reading.pending.push(rule);
    else reading.chain?.rules.splice(position - 1 + index, 0, rule);
  }
};

/** Puts the rules that were read into their chain: at once, because tens of thousands of chains hold two or three each. */
const flushRules = (reading: Reading): void => {
  const { chain, pending } = reading;
  if (chain !== null && pending.length > 0)
    chain.rules = chain.rules.length === 0 ? pending.slice() : [...chain.rules, ...pending];
  pending.length = 0;
};

const isRedacted = (match: IptablesMatch): boolean => match.kind === 'mac' && match.address === null;

const SAYS: Readonly<Record<RuleProblem['code'], string>> = {
  'module-unknown': 'this match is not known, so whether the rule applies is unknown',
  'option-unknown': 'this option is not known, so whether the rule applies is unknown',
  'value-unknown': 'this value is not understood, so whether the rule applies is unknown',
  'target-unknown': 'this target is not known, so what the rule does is unknown',
  incomplete: 'the rule is not complete',
  remark: 'words behind the rule are taken as a remark',
};

const noteProblems = (reading: Reading, problems: readonly RuleProblem[], start: number, end: number): void => {
  const { starts, ends } = reading.words;
  for (const { code, from, to } of problems)
    note(reading, warning(code, SAYS[code], { start: starts[from] ?? start, end: ends[to] ?? end }));
  if (problems.every(({ code }) => code === 'remark')) reading.understood++;
};

const finish = (reading: Reading): IptablesDump => {
  const { hints, source } = reading;
  const tables: Table<IptablesRule>[] = [];
  const told: Told[] = [];
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
    const finished = new Map(chains.map((chain) => [chain.name, finishChain(chain, name)]));
    const table: Table<IptablesRule> = {
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
    if (draft.whole && !cut && !told.some((one) => one.engine === engine && one.family === family))
      told.push({ engine, family });
  }
  const { rules, understood, redacted } = reading;
  return { tables, told, rules, understood, redacted };
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
  return {
    name: draft.name,
    base,
    rules: draft.rules,
    line: draft.line,
    ...(draft.counter === null ? {} : { counter: draft.counter }),
  };
};

const noteMissingChains = (reading: Reading, table: string, { chains, jumps, gotos }: TableDraft): boolean => {
  const missing = new Set<string>();
  for (const { name, rules, declared } of chains.values()) if (!declared && rules.length > 0) missing.add(name);
  for (const name of [...jumps.keys(), ...gotos.keys()]) if (!chains.has(name)) missing.add(name);
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
