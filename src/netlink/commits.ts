import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { readText, visitAttributes } from './attribute.ts';
import { HEADER, MESSAGE, SUBSYSTEM_NFTABLES } from './constants.ts';
import { isGeneration, readGeneration, type Commit } from './generation.ts';
import { malformed, type Received } from './message.ts';
import { familyOf } from './objects.ts';
import type { TableFamily } from '../ruleset/values/table-family.ts';

/** A table that a commit has touched. */
export interface TouchedTable {
  readonly family: TableFamily;
  readonly table: string;
}

/** A commit, and the tables of which it has written anything. */
export interface FollowedCommit extends Commit {
  readonly tables: readonly TouchedTable[];
}

/**
 * The attribute that names the table is the first of every object's (nf_tables.h: NFTA_TABLE_NAME, NFTA_CHAIN_TABLE,
 * NFTA_RULE_TABLE, …).
 */
const TABLE_NAME = 1;

/**
 * Makes a reader of events: it is given each message in the order in which they come, and gives a commit when the
 * message that ends it has come. The kernel tells what a commit has written before its generation (nft_commit_notify,
 * then nf_tables_gen_notify).
 */
export const commitReader = (): ((message: Received) => Result<FollowedCommit | null>) => {
  let tables = new Map<string, TouchedTable>();
  return (message) => {
    if (isGeneration(message)) {
      const read = readGeneration(message);
      if (!read.ok) return read;
      const commit = { ...read.value, tables: [...tables.values()] };
      tables = new Map();
      return ok(commit);
    }
    const { type, view, first, end } = message;
    // Traces come by another group; what is no message of nf_tables tells nothing.
    if (type >> 8 !== SUBSYSTEM_NFTABLES || (type & 0xff) === MESSAGE.getGeneration) return ok(null);
    const family = end - first < HEADER.netfilter ? null : familyOf(view.getUint8(first));
    const named: { table: string | null } = { table: null };
    const whole = visitAttributes(view, first + HEADER.netfilter, end, (number, from, to) => {
      if (number === TABLE_NAME) named.table = readText(view, from, to);
    });
    const { table } = named;
    if (!whole || family === null || table === null) return malformed('an event names no table');
    tables.set(`${family} ${table}`, { family, table });
    return ok(null);
  };
};
