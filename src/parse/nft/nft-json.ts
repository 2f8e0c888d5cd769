import { error, fail, ok, warning, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import type { BaseChain, Rule, Table } from '../../ruleset/table.ts';
import { readTableFamily } from '../../ruleset/values/table-family.ts';
import { eachObject } from '../values/json-array.ts';
import { isRecord } from '../values/json.ts';
import { cursorOf } from './text/cursor.ts';
import { newDraft, tableOf, type Draft } from './draft.ts';
import { readSet } from './json/set.ts';
import { readCounter, readStatement } from './json/statement.ts';
import { NotUnderstood } from './text/text-expression.ts';
import { readTextStatement } from './text/text-statement.ts';
import { tokenizeNft } from './text/tokens.ts';

const text = (json: unknown): string => (typeof json === 'string' ? json : '');
const wordsOf = (json: unknown): readonly string[] =>
  (Array.isArray(json) ? (json as readonly unknown[]) : [json]).filter((word) => typeof word === 'string');

const readBase = (chain: Record<string, unknown>): BaseChain | null => {
  if (typeof chain['hook'] !== 'string' || typeof chain['prio'] !== 'number') return null;
  const devices = wordsOf(chain['dev']);
  return {
    type: text(chain['type']),
    hook: chain['hook'],
    priority: chain['prio'],
    policy: chain['policy'] === 'drop' ? 'drop' : 'accept',
    ...(devices.length === 0 ? {} : { devices }),
  };
};

/**
 * A statement for which nft has no JSON is given as its text (src/statement.c and json.c: "stmt ops … have no json
 * callback").
 */
const fromText = (statement: unknown): unknown => {
  if (typeof statement !== 'string') return statement;
  const cursor = cursorOf(tokenizeNft(statement));
  try {
    const read = readTextStatement(cursor);
    return cursor.atEnd() ? read : statement;
  } catch (thrown) {
    if (thrown instanceof NotUnderstood) return statement;
    throw thrown;
  }
};

const readRule = (rule: Record<string, unknown>): Rule => ({
  statements: (Array.isArray(rule['expr']) ? (rule['expr'] as unknown[]) : []).map((json) =>
    readStatement(fromText(json)),
  ),
  ...(typeof rule['handle'] === 'number' ? { handle: rule['handle'] } : {}),
  ...(typeof rule['comment'] === 'string' ? { comment: rule['comment'] } : {}),
});

/** A listing while it is read. Tables are keyed as `inet filter`. */
interface Listing {
  readonly drafts: Map<string, Draft>;
  /** Tables that a partial listing (`nft list chain …`, `list chains`) mentions without listing them. */
  readonly parts: Set<string>;
  /** Families that are not known here. */
  readonly strangers: Set<string>;
}

/**
 * Puts one object of the listing into its table. An object of an unknown kind (quota, ct helper, …) decides nothing by
 * itself.
 */
const take = ({ drafts, parts, strangers }: Listing, kind: string, object: Record<string, unknown>): void => {
  if (typeof object['family'] !== 'string') return;
  const family = readTableFamily(object['family']);
  if (family === null) return void strangers.add(object['family']);
  const name = text(object['name']);
  if (kind === 'table') {
    drafts.set(`${family} ${name}`, newDraft(family, name, wordsOf(object['flags'])));
    return;
  }
  const table = text(object['table']);
  if (table === '') return;
  const id = `${family} ${table}`;
  const draft = drafts.get(id) ?? newDraft(family, table);
  if (!drafts.has(id)) {
    drafts.set(id, draft);
    parts.add(id);
  }
  const handle = typeof object['handle'] === 'number' ? object['handle'] : undefined;
  if (kind === 'chain') draft.chains.set(name, { base: readBase(object), rules: [], handle });
  else if (kind === 'rule') draft.chains.get(text(object['chain']))?.rules.push(readRule(object));
  else if (kind === 'set' || kind === 'map') draft.sets.set(name, readSet(object, name));
  else if (kind === 'counter') draft.counters.set(name, readCounter(object) ?? { packets: 0n, bytes: 0n });
  else if (kind === 'flowtable')
    draft.flowtables.push({
      name,
      hook: text(object['hook']),
      priority: typeof object['prio'] === 'number' ? object['prio'] : 0,
      devices: wordsOf(object['dev']),
    });
};

const isPart = (id: string): Diagnostic =>
  warning(
    'table-part',
    `the table ${id} itself is not listed: this is a part of it at most`,
    undefined,
    'Whole tables are listed by: nft -j list ruleset',
  );

const isStrange = (family: string): Diagnostic =>
  warning('family-unknown', `tables of the family ${family.slice(0, 40)} are not understood: they are left out`);

/** A warning for each rule and set with a part that is not understood. */
const notUnderstood = (tables: readonly Table[]): readonly Diagnostic[] =>
  tables.flatMap(({ family, name, chains, sets }) => [
    ...[...chains.values()].flatMap((chain) =>
      chain.rules.flatMap(({ statements, handle }, index) =>
        statements.flatMap((statement) =>
          statement.kind === 'unknown'
            ? [
                warning(
                  'statement-unknown',
                  `${family} ${name} ${chain.name} rule ${index + 1}${handle === undefined ? '' : ` (handle ${handle})`}: ${statement.text} is not understood`,
                ),
              ]
            : [],
        ),
      ),
    ),
    ...[...sets.values()].flatMap((set) =>
      set.kind === 'opaque' ? [warning('set-unknown', `${family} ${name}: the set ${set.name} is not understood`)] : [],
    ),
  ]);

type Take = (entry: unknown) => void;

/** The objects of a listing as nft prints it, one after another; false: it has another form, or is no JSON. */
const eachPrinted = (json: string, take: Take): boolean => {
  const head = /^\s*\{\s*"nftables"\s*:\s*\[/.exec(json);
  if (head === null) return false;
  try {
    return /^\s*\}\s*$/.test(json.slice(eachObject(json, head[0].length, take)));
  } catch {
    return false;
  }
};

/** The objects of any JSON that is a listing. */
const eachOfAny = (json: string, take: Take): Result<null> => {
  const from = 'It should come from: nft -j list ruleset';
  let listing: unknown;
  try {
    listing = JSON.parse(json);
  } catch {
    return fail(error('not-json', 'the listing is not JSON', undefined, from));
  }
  const objects = isRecord(listing) ? listing['nftables'] : undefined;
  if (!Array.isArray(objects)) return fail(error('not-a-listing', 'the JSON is no nftables listing', undefined, from));
  for (const entry of objects as readonly unknown[]) take(entry);
  return ok(null);
};

/**
 * The tables of an `nft -j list …` (libnftables-json(5)): whole ones, or the parts that a partial listing has. Rules
 * and sets that are not understood are kept as `unknown` and `opaque`, with a warning. Only a text that is no such
 * listing is an error.
 */
export const parseNftJson = (json: string): Result<readonly Table[]> => {
  const listing: Listing = { drafts: new Map(), parts: new Set(), strangers: new Set() };
  const { drafts, parts, strangers } = listing;
  const takeEntry = (entry: unknown): void => {
    if (!isRecord(entry)) return;
    for (const [kind, object] of Object.entries(entry)) if (isRecord(object)) take(listing, kind, object);
  };
  if (!eachPrinted(json, takeEntry)) {
    drafts.clear();
    parts.clear();
    strangers.clear();
    const read = eachOfAny(json, takeEntry);
    if (!read.ok) return read;
  }
  const tables = [...drafts.values()].map(tableOf);
  return ok(tables, [...[...strangers].map(isStrange), ...[...parts].map(isPart), ...notUnderstood(tables)]);
};
