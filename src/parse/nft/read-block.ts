import { warning, type Diagnostic } from '../../diagnostic/diagnostic.ts';
import type { BaseChain, Flowtable, Rule } from '../../ruleset/table.ts';
import type { Counter } from '../../ruleset/values/counter.ts';
import type { Statement } from '../../ruleset/nft/statement.ts';
import { readTableFamily, type TableFamily } from '../../ruleset/values/table-family.ts';
import type { Cursor } from './text/cursor.ts';
import type { Draft, DraftChain } from './draft.ts';
import { readTextPriority } from './text/priority.ts';
import { readSet } from './json/set.ts';
import { readStatement } from './json/statement.ts';
import { expectNumber, NotUnderstood } from './text/text-expression.ts';
import { readSetBody } from './text/text-set.ts';
import { readTextStatement } from './text/text-statement.ts';
import type { Token } from './text/tokens.ts';

/** Objects that decide nothing by themselves. What refers to them is uncertain in any case. */
export const OTHER_OBJECTS: ReadonlySet<string> = new Set(['quota', 'limit', 'secmark', 'synproxy', 'ct', 'meter']);

/**
 * The declarations of sets in the form of nft's JSON, by family, table and name. Elements that come later are read by
 * them.
 */
export type Declared = Map<string, Record<string, unknown>>;

/** The reader's position, and what it could not read so far. */
export interface NftState {
  readonly text: string;
  readonly cursor: Cursor;
  readonly problems: Diagnostic[];
}

export const isEnd = ({ kind }: Token): boolean => kind === 'end';

export const skipEnds = (cursor: Cursor): void => {
  while (isEnd(cursor.peek()) && !cursor.atEnd()) cursor.next();
};

/** Skips to the end of the line, or of the block that begins on it. */
export const skipStatement = (cursor: Cursor): void => {
  let depth = 0;
  while (!cursor.atEnd()) {
    const token = cursor.peek();
    if (depth === 0 && (isEnd(token) || (token.kind === 'mark' && token.text === '}'))) return;
    cursor.next();
    if (token.kind === 'mark' && token.text === '{') depth++;
    if (token.kind === 'mark' && token.text === '}' && --depth === 0) return;
  }
};

export const handleOf = (cursor: Cursor): number | undefined => {
  const { kind, text } = cursor.peek();
  if (kind !== 'word' || !/^#\d+$/.test(text)) return undefined;
  cursor.next();
  return Number(text.slice(1));
};

export const readFamily = (cursor: Cursor): TableFamily => {
  const family = readTableFamily(cursor.peek().text);
  if (family !== null) cursor.next();
  return family ?? 'ip';
};

const chainOf = (draft: Draft, name: string, line: number): DraftChain => {
  const known = draft.chains.get(name);
  if (known !== undefined) return known;
  const chain: DraftChain = { base: null, handle: undefined, line, rules: [] };
  draft.chains.set(name, chain);
  return chain;
};

/** A rule's words up to the end of its line. A word that is not understood makes the rest of the rule unknown. */
export const readRule = (reading: NftState): Rule => {
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

/** Takes a word that has no meaning at its place, with a warning. */
const unexpected = ({ cursor, problems }: NftState): void => {
  const { text, span } = cursor.next();
  problems.push(warning('word-unknown', `${JSON.stringify(text.slice(0, 40))} is not understood here`, span));
};

const readBase = (reading: NftState): BaseChain => {
  const { cursor } = reading;
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
    else if (!isEnd(cursor.peek())) unexpected(reading);
  }
  return { type, hook, priority, policy, ...(devices.length === 0 ? {} : { devices }) };
};

export const readChainBody = (reading: NftState, chain: DraftChain): void => {
  const { cursor } = reading;
  chain.handle ??= handleOf(cursor);
  for (;;) {
    skipEnds(cursor);
    if (cursor.take('}') || cursor.atEnd()) return;
    if (cursor.take('type')) chain.base = readBase(reading);
    else if (cursor.peek().text === 'policy' && cursor.peek().kind === 'word') {
      cursor.next();
      const policy = cursor.next().text === 'drop' ? ('drop' as const) : ('accept' as const);
      if (chain.base === null) chain.policy = policy;
      else chain.base = { ...chain.base, policy };
    } else if (cursor.peek().text === 'comment' && cursor.peek(1).kind === 'quoted' && isEnd(cursor.peek(2))) {
      cursor.next();
      cursor.next();
    } else chain.rules.push(readRule(reading));
    wantEnd(reading);
  }
};

export const readFlowtable = (reading: NftState, name: string): Flowtable => {
  const { cursor } = reading;
  let [hook, priority]: [string, number] = ['ingress', 0];
  handleOf(cursor);
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
    } else if (cursor.take('flags') || cursor.take('counter'))
      while (!isEnd(cursor.peek()) && cursor.peek().text !== '}') cursor.next();
    else unexpected(reading);
  }
};

export const readCounter = (cursor: Cursor): Counter => {
  let [packets, bytes] = [0, 0];
  while (!cursor.take('}') && !cursor.atEnd()) {
    if (cursor.take('packets')) packets = expectNumber(cursor);
    else if (cursor.take('bytes')) bytes = expectNumber(cursor);
    else cursor.next();
  }
  return { packets: BigInt(packets), bytes: BigInt(bytes) };
};

/** nft demands the end of a line or `;` after each part of a block, also before the closing brace. */
const wantEnd = ({ cursor, problems }: NftState): void => {
  const token = cursor.peek();
  if (isEnd(token) || cursor.atEnd()) return;
  problems.push(
    warning('end-missing', `nft wants a new line or ; before ${JSON.stringify(token.text.slice(0, 40))}`, token.span),
  );
};

export const readTableBody = (reading: NftState, draft: Draft, declared: Declared): void => {
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
    // `ct helper NAME { … }` and similar objects decide nothing by themselves.
    if (token.text === 'ct') cursor.next();
    const { text: name, line } = cursor.next();
    handleOf(cursor);
    if (!cursor.take('{')) {
      problems.push(
        warning('line-unknown', `${JSON.stringify(token.text.slice(0, 40))} is not understood here`, token.span),
      );
      skipStatement(cursor);
      continue;
    }
    switch (token.text) {
      case 'chain':
        readChainBody(reading, chainOf(draft, name, line));
        break;
      case 'set':
      case 'map':
        {
          const json = readSetBody(cursor, token.text, problems);
          declared.set(`${draft.family} ${draft.name} ${name}`, { ...json, elem: undefined });
          draft.sets.set(name, readSet(json, name));
        }
        break;
      case 'flowtable':
        draft.flowtables.push(readFlowtable(reading, name));
        break;
      case 'counter':
        draft.counters.set(name, readCounter(cursor));
        break;
      default: {
        if (!OTHER_OBJECTS.has(token.text))
          problems.push(
            warning('line-unknown', `${JSON.stringify(token.text.slice(0, 40))} is not understood here`, token.span),
          );
        let depth = 1;
        while (depth > 0 && !cursor.atEnd()) {
          const { kind, text } = cursor.next();
          if (kind === 'mark' && text === '{') depth++;
          if (kind === 'mark' && text === '}') depth--;
        }
      }
    }
    wantEnd(reading);
  }
};
