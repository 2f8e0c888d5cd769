import { TABLE } from '../compile/names.ts';
import { printTransaction } from '../compile/print.ts';
import type { Touched } from '../compile/touched.ts';
import type { Transaction } from '../compile/transaction.ts';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { parseNftJson } from '../parse/nft-json.ts';
import type { Table } from '../ruleset/table.ts';
import { failureOf, runCommand } from './command.ts';

const OWN = [TABLE.family, TABLE.name] as const;

/** Lists something of the own table; null: the kernel has no such object. */
const listJson = async (...what: readonly string[]): Promise<Result<string | null>> => {
  const result = await runCommand(['nft', '-j', 'list', ...what]);
  if (result.kind === 'done' && result.status === 0) return ok(result.stdout);
  if (result.kind === 'done' && result.stderr.includes('No such file or directory')) return ok(null);
  return fail(error('nft-list', `nft cannot list the ${what.join(' ')}: ${failureOf(result)}`));
};

const parseTable = (json: string | null): Result<Table | null> => {
  if (json === null) return ok(null);
  const tables = parseNftJson(json);
  return tables.ok ? ok(tables.value[0] ?? null) : tables;
};

/** The own table as the kernel lists it; null where there is none. Only the own table is asked for: a whole ruleset can take seconds. */
export const listOwnTable = async (): Promise<Result<Table | null>> => {
  const json = await listJson('table', ...OWN);
  return json.ok ? parseTable(json.value) : json;
};

/** A listing of a part does not name its table, so we do. */
const asTable = (json: string): string =>
  json.replace('{"nftables": [', `{"nftables": [{"table": {"family": "${TABLE.family}", "name": "${TABLE.name}"}}, `);

/**
 * `known`, an earlier listing of the own table, with the touched objects as the kernel lists them now. Each object is asked for by a
 * process of its own: nft 1.0.6 answers only the last of several `list` commands in one file.
 */
export const relist = async (known: Table, { chains, sets, maps }: Touched): Promise<Result<Table>> => {
  const listings = await Promise.all([
    ...[...chains].map((name) => listJson('chain', ...OWN, name)),
    ...[...sets].map((name) => listJson('set', ...OWN, name)),
    ...[...maps].map((name) => listJson('map', ...OWN, name)),
  ]);
  const now = {
    chains: new Map([...known.chains].filter(([name]) => !chains.has(name))),
    sets: new Map([...known.sets].filter(([name]) => !sets.has(name) && !maps.has(name))),
  };
  for (const listing of listings) {
    if (!listing.ok) return listing;
    const part = parseTable(listing.value === null ? null : asTable(listing.value));
    if (!part.ok) return part;
    for (const [name, chain] of part.value?.chains ?? []) now.chains.set(name, chain);
    for (const [name, set] of part.value?.sets ?? []) now.sets.set(name, set);
  }
  return ok({ ...known, ...now });
};

/** Gives one transaction to the kernel: all of it, or nothing. */
export const runTransaction = async (transaction: Transaction): Promise<Result<{ readonly bytes: number }>> => {
  const text = printTransaction(transaction);
  const result = await runCommand(['nft', '-f', '-'], { stdin: text, timeoutMs: 300_000 });
  if (result.kind === 'done' && result.status === 0) return ok({ bytes: text.length });
  return fail(
    error(
      'nft-refused',
      `the kernel refused a transaction: ${failureOf(result)}`,
      undefined,
      'Nothing of it was taken',
    ),
  );
};
