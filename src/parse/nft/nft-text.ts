import { ok, warning, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import type { BaseChain, Flowtable, Rule, Table } from '../../ruleset/table.ts';
import type { Counter } from '../../ruleset/values/counter.ts';
import type { Statement } from '../../ruleset/nft/statement.ts';
import { cursorOf, type Cursor } from './text/cursor.ts';
import { expandDefinitions } from './text/definitions.ts';
import { newDraft, tableOf, type Draft, type DraftChain } from './draft.ts';
import { readTextPriority } from './text/priority.ts';
import { readSet } from './json/set.ts';
import { readStatement } from './json/statement.ts';
import { expectNumber, NotUnderstood } from './text/text-expression.ts';
import { readSetBody } from './text/text-set.ts';
import { readTextStatement } from './text/text-statement.ts';
import { tokenizeNft, type Token } from './text/tokens.ts';

/** What is read so far, and where the reader stands. */
interface NftState {
  readonly text: string;
  readonly cursor: Cursor;
  readonly tables: Map<string, Draft>;
  readonly problems: Diagnostic[];
}

const FAMILIES: ReadonlySet<string> = new Set(['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev']);

const isEnd = ({ kind }: Token): boolean => kind === 'end';

const skipEnds = (cursor: Cursor): void => {
  while (isEnd(cursor.peek()) && !cursor.atEnd()) cursor.next();
};

/** Skips to the end of the line, or of the block that opens on it. */
const skipStatement = (cursor: Cursor): void => {
  let depth = 0;
  while (!cursor.atEnd()) {
    const token = cursor.peek();
    if (depth === 0 && (isEnd(token) || (token.kind === 'mark' && token.text === '}'))) return;
    cursor.next();
    if (token.kind === 'mark' && token.text === '{') depth++;
    if (token.kind === 'mark' && token.text === '}' && --depth === 0) return;
  }
};

const handleOf = (cursor: Cursor): number | undefined => {
  const { kind, text } = cursor.peek();
  if (kind !== 'word' || !/^#\d+$/.test(text)) return undefined;
  cursor.next();
  return Number(text.slice(1));
};

const readFamily = (cursor: Cursor): string => (FAMILIES.has(cursor.peek().text) ? cursor.next().text : 'ip');

const draftOf = ({ tables }: NftState, family: string, name: string): Draft => {
  const key = `${family} ${name}`;
  const known = tables.get(key);
  if (known !== undefined) return known;
  const draft = newDraft(family, name);
  tables.set(key, draft);
  return draft;
};

const chainOf = (draft: Draft, name: string, line: number): DraftChain => {
  const known = draft.chains.get(name);
  if (known !== undefined) return known;
  const chain: DraftChain = { base: null, handle: undefined, line, rules: [] };
  draft.chains.set(name, chain);
  return chain;
};

/** A rule's words up to the end of its line; what is not understood makes the rest of the rule unknown. */
const readRule = (reading: NftState): Rule => {
  const { cursor, text, problems } = reading;
  const first = cursor.peek();
  const statements: Statement[] = [];
  let handle: number | undefined;
  let comment: string | undefined;
  for (;;) {
    const token = cursor.peek();
    if (isEnd(token) || cursor.atEnd() || (token.kind === 'mark' && token.text === '}')) break;
    handle ??= handleOf(cursor);
    if (cursor.take('comment')) {
      comment = cursor.next().text;
      continue;
    }
    if (isEnd(cursor.peek())) break;
    const from = cursor.position();
    try {
      statements.push(readStatement(readTextStatement(cursor)));
    } catch (problem) {
      if (!(problem instanceof NotUnderstood)) throw problem;
      const start = token.span.start;
      cursor.goTo(from);
      skipStatement(cursor);
      const end = Math.max(start + 1, cursor.peek().span.start);
      const words = text.slice(start, end).trim();
      statements.push({ kind: 'unknown', text: words });
      problems.push(
        warning('statement-unknown', `this is not understood (${problem.message})`, {
          start,
          end: start + words.length,
        }),
      );
    }
  }
  return {
    statements,
    line: first.line,
    ...(handle === undefined ? {} : { handle }),
    ...(comment === undefined ? {} : { comment }),
  };
};

const readBase = (cursor: Cursor): BaseChain => {
  const type = cursor.next().text;
  let [hook, priority]: [string, number] = ['', 0];
  const devices: string[] = [];
  let policy: BaseChain['policy'] = 'accept';
  while (!isEnd(cursor.peek()) && cursor.peek().text !== '}') {
    if (cursor.take('hook')) hook = cursor.next().text;
    else if (cursor.take('device')) devices.push(cursor.next().text);
    else if (cursor.take('devices')) {
      cursor.take('=');
      if (cursor.take('{')) while (!cursor.take('}')) if (!cursor.take(',')) devices.push(cursor.next().text);
    } else if (cursor.take('priority')) priority = readTextPriority(cursor);
    else if (cursor.take('policy')) policy = cursor.next().text === 'drop' ? 'drop' : 'accept';
    else cursor.next();
  }
  return { type, hook, priority, policy, ...(devices.length === 0 ? {} : { devices }) };
};

const readChainBody = (reading: NftState, chain: DraftChain): void => {
  const { cursor } = reading;
  chain.handle ??= handleOf(cursor);
  for (;;) {
    skipEnds(cursor);
    if (cursor.take('}') || cursor.atEnd()) return;
    if (cursor.take('type')) chain.base = readBase(cursor);
    else if (cursor.peek().text === 'policy' && cursor.peek().kind === 'word') {
      cursor.next();
      const policy = cursor.next().text === 'drop' ? ('drop' as const) : ('accept' as const);
      if (chain.base !== null) chain.base = { ...chain.base, policy };
    } else if (cursor.peek().text === 'comment' && cursor.peek(1).kind === 'quoted' && isEnd(cursor.peek(2))) {
      cursor.next();
      cursor.next();
    } else chain.rules.push(readRule(reading));
  }
};

const readFlowtable = (cursor: Cursor, name: string): Flowtable => {
  let [hook, priority]: [string, number] = ['ingress', 0];
  const devices: string[] = [];
  for (;;) {
    skipEnds(cursor);
    if (cursor.take('}') || cursor.atEnd()) return { name, hook, priority, devices };
    if (cursor.take('hook')) hook = cursor.next().text;
    else if (cursor.take('priority')) priority = readTextPriority(cursor);
    else if (cursor.take('devices')) {
      cursor.take('=');
      if (cursor.take('{'))
        while (!cursor.take('}') && !cursor.atEnd()) if (!cursor.take(',')) devices.push(cursor.next().text);
    } else cursor.next();
  }
};

const readCounter = (cursor: Cursor): Counter => {
  let [packets, bytes] = [0, 0];
  while (!cursor.take('}') && !cursor.atEnd()) {
    if (cursor.take('packets')) packets = expectNumber(cursor);
    else if (cursor.take('bytes')) bytes = expectNumber(cursor);
    else cursor.next();
  }
  return { packets: BigInt(packets), bytes: BigInt(bytes) };
};

const readTableBody = (reading: NftState, draft: Draft): void => {
  const { cursor, problems } = reading;
  handleOf(cursor);
  for (;;) {
    skipEnds(cursor);
    if (cursor.take('}') || cursor.atEnd()) return;
    const token = cursor.next();
    if (token.text === 'comment') {
      skipStatement(cursor);
      continue;
    }
    if (token.text === 'flags') {
      do draft.flags.push(cursor.next().text);
      while (cursor.take(','));
      continue;
    }
    // `ct helper NAME { … }` and its like are objects that decide nothing by themselves.
    if (token.text === 'ct') cursor.next();
    const { text: name, line } = cursor.next();
    handleOf(cursor);
    if (!cursor.take('{')) {
      skipStatement(cursor);
      continue;
    }
    switch (token.text) {
      case 'chain':
        readChainBody(reading, chainOf(draft, name, line));
        break;
      case 'set':
      case 'map':
        draft.sets.set(name, readSet(readSetBody(cursor, token.text, problems), name));
        break;
      case 'flowtable':
        draft.flowtables.push(readFlowtable(cursor, name));
        break;
      case 'counter':
        draft.counters.set(name, readCounter(cursor));
        break;
      default: {
        let depth = 1;
        while (depth > 0 && !cursor.atEnd()) {
          const { kind, text } = cursor.next();
          if (kind === 'mark' && text === '{') depth++;
          if (kind === 'mark' && text === '}') depth--;
        }
      }
    }
  }
};

/** `add rule inet filter input tcp dport 22 accept` and its like (nft(8), RULES). */
const readCommand = (reading: NftState, verb: string): void => {
  const { cursor } = reading;
  const what = cursor.next().text;
  const family = readFamily(cursor);
  const table = cursor.next().text;
  const draft = draftOf(reading, family, table);
  switch (what) {
    case 'table':
      if (cursor.take('{')) readTableBody(reading, draft);
      return;
    case 'chain': {
      const { text: name, line } = cursor.next();
      const chain = chainOf(draft, name, line);
      if (cursor.take('{')) readChainBody(reading, chain);
      return;
    }
    case 'rule': {
      const { text: name, line } = cursor.next();
      const { rules } = chainOf(draft, name, line);
      if (cursor.take('handle') || cursor.take('index') || cursor.take('position')) cursor.next();
      const rule = readRule(reading);
      if (verb === 'insert') rules.unshift(rule);
      else rules.push(rule);
      return;
    }
    case 'set':
    case 'map': {
      const { text: name } = cursor.next();
      if (cursor.take('{')) draft.sets.set(name, readSet(readSetBody(cursor, what, reading.problems), name));
      return;
    }
    default:
      skipStatement(cursor);
  }
};

const readTop = (reading: NftState): void => {
  const { cursor, problems } = reading;
  for (;;) {
    skipEnds(cursor);
    if (cursor.atEnd()) return;
    const token = cursor.next();
    switch (token.text) {
      case 'table': {
        const family = readFamily(cursor);
        const draft = draftOf(reading, family, cursor.next().text);
        handleOf(cursor);
        if (cursor.take('{')) readTableBody(reading, draft);
        break;
      }
      case 'add':
      case 'create':
      case 'insert':
        readCommand(reading, token.text);
        break;
      case 'flush':
      case 'delete':
      case 'destroy':
      case 'list':
        skipStatement(cursor);
        break;
      case 'include':
        problems.push(warning('include', `the included file ${cursor.peek().text} is not read`, token.span));
        skipStatement(cursor);
        break;
      default:
        problems.push(
          warning('line-unknown', `${JSON.stringify(token.text.slice(0, 40))} is not understood here`, token.span),
        );
        skipStatement(cursor);
        cursor.take('}');
    }
  }
};

/**
 * The tables of an `nft list ruleset`, or of a file that `nft -f` reads (nft(8)). What is not understood is kept as unknown, with a warning
 * that has its place in the text.
 */
export const parseNftText = (text: string): Result<readonly Table[]> => {
  const problems: Diagnostic[] = [];
  const tokens = expandDefinitions(tokenizeNft(text));
  const reading: NftState = { text, cursor: cursorOf(tokens), tables: new Map(), problems };
  try {
    readTop(reading);
  } catch (problem) {
    if (!(problem instanceof NotUnderstood)) throw problem;
    const { span } = reading.cursor.peek();
    problems.push(warning('listing-broken-off', `the listing cannot be read from here on: ${problem.message}`, span));
  }
  return ok([...reading.tables.values()].map(tableOf), problems);
};
