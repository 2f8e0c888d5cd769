import type { KnownSet, Table } from '../../ruleset/table.ts';

/** A table as the compiler makes it: everything in it is known. */
export interface CompiledTable extends Table {
  readonly sets: ReadonlyMap<string, KnownSet>;
}
