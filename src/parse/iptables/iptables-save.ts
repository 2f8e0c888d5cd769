import { error, fail, ok, warning, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import { zero, type Counter } from '../../ruleset/values/counter.ts';
import type { IptablesMatch } from '../../ruleset/iptables/match.ts';
import type { IptablesRule } from '../../ruleset/iptables/rule.ts';
import { finish, noteTheRest } from './finish.ts';
import { readComment, readPrompt } from './header.ts';
import {
  SAVE_HINT,
  SHOWN_REMARKS,
  note,
  noteOnce,
  type IptablesDump,
  type IptablesHints,
  type SaveState,
} from './save-state.ts';
import { ruleReader, variantsOf, type RuleProblem } from './rule-reader.ts';
import { readCounter, readRule } from './rule.ts';
import { beginTable, chainOf, currentTable, declareChain, flushRules, setPolicy } from './tables.ts';
import { emptyWords, splitWords } from './words.ts';

/**
 * Reads what `iptables-save`, `ip6tables-save` (with and without `-c`, both flavours) and `iptables -S` print, also in
 * the state in which people paste it: with remarks, prompts and markdown around it, cut off, several in one file. Every
 * line that is not understood becomes a warning, and an `unknown` in the model where it is a rule. Fails where there is
 * no rule and no table at all.
 */
export const parseIptables = (source: Source, hints: IptablesHints = {}): Result<IptablesDump> => {
  const text = source.text.includes('\n') ? source.text : source.text.replace(/\r/g, '\n');
  const words = emptyWords();
  const reading: SaveState = {
    source,
    text,
    hints,
    words,
    rule: ruleReader(text, words),
    said: { engine: null, family: null, tableName: null, whole: false },
    at: { line: 0, table: null, chain: null, pending: [], committed: true },
    tables: [],
    counts: { rules: 0, understood: 0, redacted: 0 },
    report: { diagnostics: [], more: 0, noted: new Set() },
    remarks: { count: 0, last: { start: 0, end: 0 } },
    listing: null,
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
  if (!reading.at.committed)
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
  return ok(dump, reading.report.diagnostics);
};

const readLines = (reading: SaveState): void => {
  const { text } = reading;
  let from = text.startsWith('\ufeff') ? 1 : 0;
  while (from < text.length) {
    let end = text.indexOf('\n', from);
    const next = end === -1 ? text.length : end + 1;
    if (end === -1) end = text.length;
    reading.at.line++;
    let start = from;
    while (start < end && text.charCodeAt(start) <= 32) start++;
    while (end > start && text.charCodeAt(end - 1) <= 32) end--;
    if (start < end) readLine(reading, start, end);
    from = next;
  }
};

const readLine = (reading: SaveState, start: number, end: number): void => {
  const { text } = reading;
  switch (text.charAt(start)) {
    case '-':
      return readCommand(reading, start, end, null);
    case '[':
      return readCountedRule(reading, start, end);
    case ':':
      return declareChain(reading, start, end) ? undefined : remark(reading, start, end);
    case '*':
      return beginTable(reading, start, end) ? undefined : remark(reading, start, end);
    case '#':
      return readComment(reading, start, end);
    case '`':
      return text.startsWith('```', start)
        ? noteOnce(reading, 'fence', warning('markdown', 'markdown stands around the dump', { start, end }))
        : remark(reading, start, end);
    case 'C':
      if (end - start === 6 && text.startsWith('COMMIT', start)) {
        reading.at.table = null;
        reading.at.committed = true;
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

const remark = (reading: SaveState, start: number, end: number): void => {
  const line = reading.text.slice(start, Math.min(end, start + 400));
  if (readPrompt(reading, line)) return;
  // Output of iptables -L goes on below its heading.
  if (reading.listing !== null && reading.at.table === null) return;
  const command = /(?:^|\s)(-[AINP]\s+\S.*)$/.exec(line);
  if (reading.at.table !== null && command !== null && /^[[\d:\]\s]*$/.test(line.slice(0, command.index)))
    return readCommand(reading, start + command.index + 1, end, null);
  reading.remarks.count++;
  reading.remarks.last = { start, end };
  if (reading.remarks.count <= SHOWN_REMARKS)
    note(reading, warning('not-a-rule', 'a line between the rules is no rule', { start, end }));
};

const ZERO = 48;

const NINE = 57;

/** `[12:345] -A …` */
const readCountedRule = (reading: SaveState, start: number, end: number): void => {
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

const readCommand = (reading: SaveState, start: number, end: number, counter: Counter | null): void => {
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
      if (/^-{1,2}[A-Za-z]/.test(command ?? '') && reading.at.table !== null) {
        reading.counts.rules++;
        note(
          reading,
          warning('command-unknown', `${command} is no line of a dump and was left out`, { start, end }, SAVE_HINT),
        );
      } else remark(reading, start, end);
  }
};

const appendRule = (
  reading: SaveState,
  chainName: string,
  from: number,
  position: number | null,
  start: number,
  end: number,
  counter: Counter | null,
): void => {
  const table = currentTable(reading);
  const last = reading.at.chain;
  if (last === null || last.name !== chainName || last.table !== table || position !== null) {
    flushRules(reading);
    reading.at.chain = chainOf(reading, table, chainName);
  }
  const read = reading.rule;
  readRule(read, from);
  reading.counts.rules++;
  if (read.problems.length > 0) noteProblems(reading, read.problems, start, end);
  else reading.counts.understood++;
  const { line } = reading.at;
  const variants = read.lists.length === 0 ? null : variantsOf(read);
  for (let index = 0; index < (variants?.length ?? 1); index++) {
    const matches = variants?.[index] ?? read.matches.slice();
    if (matches.some(isRedacted)) reading.counts.redacted++;
    const rule: IptablesRule = {
      kind: 'iptables',
      matches,
      target: read.target,
      counter: counter ?? read.counter,
      line,
    };
    if (position === null) reading.at.pending.push(rule);
    else reading.at.chain?.rules.splice(position - 1 + index, 0, rule);
  }
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

const noteProblems = (reading: SaveState, problems: readonly RuleProblem[], start: number, end: number): void => {
  const { starts, ends } = reading.words;
  for (const { code, from, to } of problems)
    note(reading, warning(code, SAYS[code], { start: starts[from] ?? start, end: ends[to] ?? end }));
  if (problems.every(({ code }) => code === 'remark')) reading.counts.understood++;
};
