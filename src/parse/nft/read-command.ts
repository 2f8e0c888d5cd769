import { warning } from '../../diagnostic/diagnostic.ts';
import type { FlushRuleset, NftChange, RulePlace } from '../../change-ruleset/nft-change.ts';
import type { NamedSet } from '../../ruleset/table.ts';
import { newDraft, tableOf, type DraftChain } from './draft.ts';
import { readSet } from './json/set.ts';
import {
  handleOf,
  isEnd,
  readChainBody,
  readCounter,
  readFamily,
  readFlowtable,
  readRule,
  readTableBody,
  skipStatement,
  type Declared,
  type NftState,
} from './read-block.ts';
import { expectNumber, NotUnderstood, readTextElements } from './text/text-expression.ts';
import { readSetBody } from './text/text-set.ts';
import type { TableFamily } from '../../ruleset/values/table-family.ts';

export type Changes = readonly (NftChange | FlushRuleset)[];

export const setKey = (family: string, table: string, name: string): string => `${family} ${table} ${name}`;

/** What the model knows about a set's declaration, in the form of nft's JSON; null where that is not enough. */
export const declarationOf = (set: NamedSet): Record<string, unknown> | null => {
  const listOf = (types: readonly string[]): unknown => (types.length === 1 ? types[0] : types);
  switch (set.kind) {
    case 'addresses':
      return { type: set.type, flags: ['interval'] };
    case 'elements':
      return { type: listOf(set.types), ...(set.interval ? { flags: ['interval'] } : {}) };
    case 'verdict-map':
      return { type: listOf(set.types), map: 'verdict', ...(set.interval ? { flags: ['interval'] } : {}) };
    case 'data-map':
      return {
        type: listOf(set.types),
        map: listOf(set.dataTypes),
        flags: [...(set.interval ? ['interval'] : []), ...(set.dynamic ? ['dynamic'] : [])],
      };
    case 'dynamic':
      return { type: listOf(set.types), size: set.size, timeout: set.timeout, flags: ['dynamic', 'timeout'] };
    case 'opaque':
      return null;
  }
};

const OBJECTS: ReadonlySet<string> = new Set(
  'table chain rule set map element flowtable counter ruleset meter quota limit secmark synproxy ct'.split(' '),
);

export type Verb = 'add' | 'create' | 'insert' | 'replace' | 'delete' | 'destroy' | 'flush' | 'rename';

/** Whether a word begins a command that adds without the verb `add`: `chain inet filter input { … }`. */
export const isObject = (word: string): boolean => OBJECTS.has(word) && word !== 'ruleset';

interface Place {
  readonly family: TableFamily;
  readonly table: string;
}

const refuse = (state: NftState, message: string, hint?: string): Changes => {
  const { span } = state.cursor.peek();
  state.problems.push(warning('command-unknown', message, span, hint));
  skipStatement(state.cursor);
  return [];
};

const rulePlace = (state: NftState): RulePlace | null => {
  const { cursor } = state;
  // `position` is the old word for handle (nft(8), RULES).
  if (cursor.take('handle') || cursor.take('position')) return { kind: 'handle', number: expectNumber(cursor) };
  return cursor.take('index') ? { kind: 'index', number: expectNumber(cursor) } : null;
};

/**
 * Reads what follows a verb (nft(8)) and gives what it changes. What is not read changes nothing and gives a warning
 * with its place.
 */
export const readCommand = (state: NftState, verb: Verb, declared: Declared): Changes => {
  const { cursor } = state;
  const begin = cursor.peek().span.start;
  const object = cursor.next().text;
  if (object === 'ruleset' && verb === 'flush') {
    const family = isEnd(cursor.peek()) ? null : readFamily(cursor);
    return [{ kind: 'flush-ruleset', family, span: { start: begin, end: cursor.peek().span.start } }];
  }
  if (!OBJECTS.has(object) || object === 'ruleset' || object === 'meter')
    return refuse(state, `${verb} ${object} is not read here`);
  // `ct helper`, `ct timeout`, `ct expectation`.
  if (object === 'ct') cursor.next();
  const family = readFamily(cursor);
  const [table, named] = [cursor.next(), cursor.peek()];
  if (isEnd(table)) return refuse(state, `this ends too early: ${verb} ${object} needs the name of a table`);
  const place = { family, table: table.text };
  const span = { start: begin, end: Math.max(named.span.start, table.span.end) };
  if (object === 'table') return ofTable(state, verb, place, span, declared);
  if (isEnd(named))
    return refuse(state, `this ends too early: ${verb} ${object} needs a name behind that of the table`);
  const name = cursor.next().text;
  if (verb === 'delete' || verb === 'destroy') {
    const at = object === 'rule' ? rulePlace(state) : null;
    if (at === null && name === 'handle') return refuse(state, `${verb} ${object} handle is not read here`, 'Name it');
    return ofDeletion(state, verb, object, name, at, { ...place, span }, declared);
  }
  switch (object) {
    case 'chain':
      return ofChain(state, verb, name, { ...place, span });
    case 'rule': {
      if (verb !== 'add' && verb !== 'insert' && verb !== 'replace') return refuse(state, `there is no ${verb} rule`);
      const at = rulePlace(state);
      const { statements, ...rest } = readRule(state);
      if (statements.length === 0) return refuse(state, 'this rule says nothing');
      return [{ kind: 'put-rule', chain: name, how: verb, at, rule: { ...rest, statements }, ...place, span }];
    }
    case 'set':
    case 'map': {
      if (verb === 'flush') return [{ kind: 'flush-set', name, ...place, span }];
      if ((verb !== 'add' && verb !== 'create') || !cursor.take('{'))
        return refuse(state, `${verb} ${object} needs what it holds in braces`);
      const json = readSetBody(cursor, object, state.problems);
      declared.set(setKey(family, place.table, name), json);
      return [{ kind: 'add-set', strict: verb === 'create', set: readSet(json, name), ...place, span }];
    }
    case 'element':
      return ofElements(state, verb, name, { ...place, span }, declared);
    case 'flowtable': {
      if ((verb !== 'add' && verb !== 'create') || !cursor.take('{'))
        return refuse(state, `${verb} flowtable is not read here`);
      return [{ kind: 'add-flowtable', flowtable: readFlowtable(state, name), ...place, span }];
    }
    case 'counter': {
      if (verb !== 'add' && verb !== 'create') return refuse(state, `${verb} counter is not read here`);
      const counter = cursor.take('{') ? readCounter(cursor) : { packets: 0n, bytes: 0n };
      return [{ kind: 'add-counter', name, counter, ...place, span }];
    }
    default:
      // An object that the model does not hold.
      skipStatement(cursor);
      return [];
  }
};

const ofTable = (state: NftState, verb: Verb, place: Place, span: NftChange['span'], declared: Declared): Changes => {
  const { cursor } = state;
  switch (verb) {
    case 'delete':
    case 'destroy':
      return [{ kind: 'delete-table', strict: verb === 'delete', ...place, span }];
    case 'flush':
      return [{ kind: 'flush-table', ...place, span }];
    case 'add':
    case 'create': {
      handleOf(cursor);
      const added: NftChange = { kind: 'add-table', strict: verb === 'create', flags: [], ...place, span };
      if (!cursor.take('{')) return [added];
      const draft = newDraft(place.family, place.table);
      readTableBody(state, draft, declared);
      return [added, { kind: 'merge', content: tableOf(draft), ...place, span }];
    }
    case 'insert':
    case 'replace':
    case 'rename':
      return refuse(state, `there is no ${verb} table`);
  }
};

const ofChain = (state: NftState, verb: Verb, name: string, where: Place & Pick<NftChange, 'span'>): Changes => {
  const { cursor } = state;
  switch (verb) {
    case 'flush':
      return [{ kind: 'flush-chain', name, ...where }];
    case 'rename':
      return [{ kind: 'rename-chain', name, to: cursor.next().text, ...where }];
    case 'add':
    case 'create': {
      const draft = newDraft(where.family, where.table);
      const chain: DraftChain = { base: null, handle: undefined, rules: [] };
      draft.chains.set(name, chain);
      if (cursor.take('{')) readChainBody(state, chain);
      const read = tableOf(draft).chains.get(name);
      const { base = null, rules = [] } = read ?? {};
      return [
        { kind: 'add-chain', name, strict: verb === 'create', base, policy: chain.policy ?? null, rules, ...where },
      ];
    }
    default:
      return refuse(state, `there is no ${verb} chain`);
  }
};

const ofDeletion = (
  state: NftState,
  verb: 'delete' | 'destroy',
  object: string,
  name: string,
  at: RulePlace | null,
  where: Place & Pick<NftChange, 'span'>,
  declared: Declared,
): Changes => {
  const strict = verb === 'delete';
  switch (object) {
    case 'chain':
      return [{ kind: 'delete-chain', name, strict, ...where }];
    case 'rule':
      return at === null
        ? refuse(state, `${verb} rule needs a handle`, 'nft -a list ruleset tells the handles')
        : [{ kind: 'delete-rule', chain: name, at, strict, ...where }];
    case 'set':
    case 'map':
      return [{ kind: 'delete-set', name, strict, ...where }];
    case 'element':
      return ofElements(state, verb, name, where, declared);
    case 'counter':
      return [{ kind: 'delete-counter', name, strict, ...where }];
    case 'flowtable':
      return [{ kind: 'delete-flowtable', name, strict, ...where }];
    default:
      skipStatement(state.cursor);
      return [];
  }
};

/** A key without the data that a map has for it. */
const keyAlone = (element: unknown): unknown => (Array.isArray(element) ? (element as readonly unknown[])[0] : element);

const ofElements = (
  state: NftState,
  verb: Verb,
  name: string,
  where: Place & Pick<NftChange, 'span'>,
  declared: Declared,
): Changes => {
  const { cursor, problems } = state;
  if (verb !== 'add' && verb !== 'create' && verb !== 'delete' && verb !== 'destroy')
    return refuse(state, `there is no ${verb} element`);
  const how = verb === 'add' || verb === 'create' ? 'add' : 'delete';
  const declaration = declared.get(setKey(where.family, where.table, name));
  if (declaration === undefined)
    return refuse(
      state,
      `there is no set or map ${name} in the table ${where.family} ${where.table}, as far as it is known here`,
      'Its declaration must stand before its elements',
    );
  const { span } = cursor.peek();
  let part: NamedSet = { kind: 'opaque', name, text: 'elements that are not understood' };
  try {
    const elem = readTextElements(cursor);
    const { map: _, ...plain } = declaration;
    const json = how === 'add' ? { ...declaration, elem } : { ...plain, elem: elem.map(keyAlone) };
    part = readSet(json, name);
    if (part.kind === 'opaque') problems.push(warning('elements-unknown', 'these elements are not understood', span));
  } catch (problem) {
    if (!(problem instanceof NotUnderstood)) throw problem;
    problems.push(warning('elements-unknown', `these elements are not understood: ${problem.message}`, span));
    skipStatement(cursor);
  }
  return [{ kind: 'elements', how, strict: verb === 'create' || verb === 'delete', part, ...where }];
};
