import { TABLE } from '../compile/names.ts';
import { printTransaction } from '../compile/print.ts';
import type { Transaction } from '../compile/transaction.ts';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { parseNftJson } from '../parse/nft-json.ts';
import type { Table } from '../ruleset/table.ts';
import { failureOf, runCommand } from './command.ts';

/** The own table as the kernel lists it; null where there is none. Only the own table is asked for: a whole ruleset can take seconds. */
export const listOwnTable = async (): Promise<Result<Table | null>> => {
  const result = await runCommand(['nft', '-j', 'list', 'table', TABLE.family, TABLE.name]);
  if (result.kind === 'done' && result.status !== 0 && result.stderr.includes('No such file or directory'))
    return ok(null);
  if (result.kind !== 'done' || result.status !== 0)
    return fail(error('nft-list', `the table ${TABLE.family} ${TABLE.name} cannot be listed: ${failureOf(result)}`));
  const tables = parseNftJson(result.stdout);
  return tables.ok ? ok(tables.value[0] ?? null) : tables;
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

/** Asks nft and the kernel whether they would take a transaction, without giving it. */
export const checkTransaction = async (transaction: Transaction): Promise<Result<null>> => {
  const result = await runCommand(['nft', '-c', '-f', '-'], {
    stdin: printTransaction(transaction),
    timeoutMs: 300_000,
  });
  return result.kind === 'done' && result.status === 0
    ? ok(null)
    : fail(error('nft-refused', `nft does not take this: ${failureOf(result)}`));
};
