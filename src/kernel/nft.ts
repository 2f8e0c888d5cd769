import { setTimeout as sleep } from 'node:timers/promises';
import { TABLE } from '../compile/table/names.ts';
import { printTransaction } from '../compile/plan/print-transaction.ts';
import type { Touched } from '../compile/plan/touched.ts';
import type { Transaction } from '../compile/plan/transaction.ts';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { parseNftJson } from '../parse/nft/nft-json.ts';
import { parseNftText } from '../parse/nft/nft-text.ts';
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

/**
 * nft 1.0.6 prints the flags of a table as whatever lies in freed memory, and sometimes ends there or dies (src/json.c,
 * table_print_json); its text has them. Whether a listing in JSON has come to such a table.
 */
export const comesToFlags = (json: string): boolean => /\{"table": \{[^{}]*"flags":/.test(json);

const parseTable = (json: string | null): Result<Table | null> => {
  if (json === null) return ok(null);
  const tables = parseNftJson(json);
  return tables.ok ? ok(tables.value[0] ?? null) : tables;
};

const listOwnText = async (): Promise<Result<Table | null>> => {
  const text = await runCommand(['nft', '-a', 'list', 'table', ...OWN]);
  if (text.kind !== 'done' || text.status !== 0)
    return fail(error('nft-list', `nft cannot list the own table: ${failureOf(text)}`));
  const tables = parseNftText(text.stdout);
  return tables.ok ? ok(tables.value[0] ?? null) : tables;
};

/**
 * The own table as the kernel lists it; null where there is none. Only the own table is asked for: a whole ruleset can
 * take seconds. Where nft cannot say it as JSON (one with flags, see {@link comesToFlags}), it is asked for in words.
 */
export const listOwnTable = async (): Promise<Result<Table | null>> => {
  const json = await listJson('table', ...OWN);
  if (json.ok && (json.value === null || !comesToFlags(json.value))) return parseTable(json.value);
  const text = await listOwnText();
  return text.ok || json.ok ? text : json;
};

/** Puts objects as the kernel lists them now in the place of those in an earlier listing. */
export type Relisted = (known: Table) => Table;

/**
 * Lists some objects of the own table. Each is asked for by a process of its own: nft 1.0.6 answers only the last of
 * several `list` commands in one file.
 */
export const relist = async ({ chains, sets, maps }: Touched): Promise<Result<Relisted>> => {
  const listings = await Promise.all([
    ...[...chains].map((name) => listJson('chain', ...OWN, name)),
    ...[...sets].map((name) => listJson('set', ...OWN, name)),
    ...[...maps].map((name) => listJson('map', ...OWN, name)),
  ]);
  const parts: Table[] = [];
  for (const listing of listings) {
    if (!listing.ok) return listing;
    const part = parseTable(listing.value);
    if (!part.ok) return part;
    if (part.value !== null) parts.push(part.value);
  }
  return ok((known) => ({
    ...known,
    chains: new Map([
      ...[...known.chains].filter(([name]) => !chains.has(name)),
      ...parts.flatMap((part) => [...part.chains]),
    ]),
    sets: new Map([
      ...[...known.sets].filter(([name]) => !sets.has(name) && !maps.has(name)),
      ...parts.flatMap((part) => [...part.sets]),
    ]),
  }));
};

/** Where nft cannot be asked; longer than a packet needs through the base chains. */
const WITHOUT_ASKING_MS = 50;

/**
 * Waits until every packet that may have met the rules before the last transaction is through all chains of its hook.
 * Packets pass them in one RCU read-side critical section (include/linux/netfilter.h, nf_hook), however long their
 * processor is taken away meanwhile; a transaction that is only checked changes nothing, and ends with
 * synchronize_rcu() (net/netfilter/nf_tables_api.c, __nf_tables_abort).
 */
export const packetsAreThrough = async (): Promise<void> => {
  const result = await runCommand(['nft', '--check', '-f', '-'], {
    stdin: `add table ${TABLE.family} ${TABLE.name}\n`,
  });
  if (result.kind !== 'done' || result.status !== 0) await sleep(WITHOUT_ASKING_MS);
};

/** An nft that waits for a transaction: it takes longer to start than to run a small one. */
export interface ReadyNft {
  /** Gives a transaction to the kernel: all of it, or nothing. To be called once. */
  readonly run: (transaction: Transaction) => Promise<Result<{ readonly bytes: number; readonly writer: number }>>;
  readonly abandon: () => void;
}

/** Starts an nft for a transaction that is yet to come. */
export const startNft = (): ReadyNft => {
  const input = Promise.withResolvers<string>();
  let writer = 0;
  const ended = runCommand(['nft', '-f', '-'], {
    stdin: input.promise,
    timeoutMs: 300_000,
    onStart: (pid) => (writer = pid),
  });
  let isAbandoned = false;
  return {
    run: async (transaction) => {
      if (isAbandoned) return fail(error('nft-abandoned', 'the nft for this transaction was told to end before it'));
      const text = printTransaction(transaction);
      input.resolve(text);
      const result = await ended;
      if (result.kind === 'done' && result.status === 0) return ok({ bytes: text.length, writer });
      return fail(
        error(
          'nft-refused',
          `the kernel refused a transaction: ${failureOf(result)}`,
          undefined,
          'Nothing was applied',
        ),
      );
    },
    abandon: () => {
      isAbandoned = true;
      input.resolve('');
    },
  };
};
