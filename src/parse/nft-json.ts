import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import type { Counter } from '../ruleset/counter.ts';
import type { BaseChain, Chain, NamedSet, Rule, Table } from '../ruleset/table.ts';
import { isRecord } from './json.ts';
import { readSet } from './nft-set.ts';
import { readCounter, readStatement } from './nft-statement.ts';

/** A table while its objects come in, in the order of the listing. */
interface Draft {
  readonly family: string;
  readonly name: string;
  readonly chains: Map<string, { base: BaseChain | null; rules: Rule[] }>;
  readonly sets: Map<string, NamedSet>;
  readonly counters: Map<string, Counter>;
}

const text = (json: unknown): string => (typeof json === 'string' ? json : '');

const readBase = (chain: Record<string, unknown>): BaseChain | null =>
  typeof chain['hook'] === 'string' && typeof chain['prio'] === 'number'
    ? {
        type: text(chain['type']),
        hook: chain['hook'],
        priority: chain['prio'],
        policy: chain['policy'] === 'drop' ? 'drop' : 'accept',
      }
    : null;

const readRule = (rule: Record<string, unknown>): Rule => ({
  statements: (Array.isArray(rule['expr']) ? (rule['expr'] as unknown[]) : []).map(readStatement),
  ...(typeof rule['handle'] === 'number' ? { handle: rule['handle'] } : {}),
});

/** Puts one object of the listing into its table; a kind that is not known here (flowtable, quota, …) decides nothing by itself. */
const take = (drafts: Map<string, Draft>, kind: string, object: Record<string, unknown>): void => {
  const family = text(object['family']);
  const name = text(object['name']);
  if (kind === 'table') {
    drafts.set(`${family} ${name}`, { family, name, chains: new Map(), sets: new Map(), counters: new Map() });
    return;
  }
  const draft = drafts.get(`${family} ${text(object['table'])}`);
  if (draft === undefined) return;
  if (kind === 'chain') draft.chains.set(name, { base: readBase(object), rules: [] });
  else if (kind === 'rule') draft.chains.get(text(object['chain']))?.rules.push(readRule(object));
  else if (kind === 'set' || kind === 'map') draft.sets.set(name, readSet(object, name));
  else if (kind === 'counter') draft.counters.set(name, readCounter(object) ?? { packets: 0n, bytes: 0n });
};

const finish = ({ family, name, chains, sets, counters }: Draft): Table => ({
  engine: 'nft',
  family,
  name,
  chains: new Map(
    [...chains].map(([chain, { base, rules }]): [string, Chain] => [chain, { name: chain, base, rules }]),
  ),
  sets,
  counters,
});

/**
 * The tables of an `nft -j list ruleset` or `nft -j list table` (libnftables-json(5)). Rules and sets that are not understood
 * are kept as `unknown` and `opaque`; only a text that is no such listing is an error.
 */
export const parseNftJson = (json: string): Result<readonly Table[]> => {
  let listing: unknown;
  try {
    listing = JSON.parse(json);
  } catch {
    return fail(error('not-json', 'the listing is not JSON', undefined, 'It should come from: nft -j list ruleset'));
  }
  const objects = isRecord(listing) ? listing['nftables'] : undefined;
  if (!Array.isArray(objects))
    return fail(
      error('not-a-listing', 'the JSON is no nftables listing', undefined, 'It should come from: nft -j list ruleset'),
    );
  const drafts = new Map<string, Draft>();
  for (const entry of objects as readonly unknown[]) {
    if (!isRecord(entry)) continue;
    for (const [kind, object] of Object.entries(entry)) if (isRecord(object)) take(drafts, kind, object);
  }
  return ok([...drafts.values()].map(finish));
};
