import type { Access } from '../../access/model.ts';
import type { Table } from '../../ruleset/table.ts';
import type { Context } from './context.ts';
import { say } from './report.ts';

/** Says what to do where policies are stored and the kernel holds nothing, as after a reboot. */
export const mentionRestore = (context: Context, table: Table | null, { exposures }: Access): void => {
  if (table === null && exposures.some(({ selection }) => selection !== null))
    say(context, 'the kernel holds no rules of ours, as after a reboot; they are put back by: portcullis restore');
};
