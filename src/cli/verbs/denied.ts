import { ledgerOf, type Ledger } from '../../audit/counts/ledger.ts';
import { describeAgo, describePort, ledgerJson } from '../../explain/access/denied.ts';
import { totals } from '../../explain/access/status.ts';
import { formatAddress, withPort } from '../../net/address.ts';
import { listOwnTable } from '../../kernel/nft.ts';
import { columns } from '../output/columns.ts';
import { EXIT, type Context } from '../output/context.ts';
import { emit, say, showProblems, type OutputFlags } from '../output/report.ts';

export interface DeniedFlags extends OutputFlags {
  readonly audit: boolean;
}

const EMPTY: Ledger = { entries: [], size: 0, full: false };
const MOST_ROWS = 40;

/** `portcullis denied`: the ledger of refused clients. */
export async function denied(this: Context, flags: DeniedFlags): Promise<void> {
  const listed = await listOwnTable();
  if (!listed.ok) {
    showProblems(this, listed.problems, flags);
    this.process.exitCode = EXIT.kernel;
    return;
  }
  const table = listed.value;
  const ledger = table === null ? EMPTY : ledgerOf(table, flags.audit ? 'audit' : 'refused');
  const { unnoted, refused } = totals(table);
  if (table === null) say(this, 'nothing is guarded on this node');
  await emit(this, flags, {
    kind: 'Denied',
    data: () => ({ audit: flags.audit, ...ledgerJson(ledger), ...(flags.audit ? {} : { unnoted: Number(unnoted) }) }),
    text: (wide) => {
      if (table === null) return '';
      const word = flags.audit ? 'would be refused' : 'was refused';
      if (ledger.entries.length === 0)
        return `nobody ${word} lately${!flags.audit && refused > 0n ? ` (${refused} packets since the table was made)` : ''}`;
      const shown = wide ? ledger.entries : ledger.entries.slice(0, MOST_ROWS);
      const rows = shown.map((entry) => [
        formatAddress(entry.source),
        withPort(entry.destination, describePort(entry)),
        String(entry.packets),
        describeAgo(entry.secondsAgo),
      ]);
      const more = ledger.entries.length - shown.length;
      return [
        columns([['WHO', 'WHERE', 'PACKETS', 'LAST'], ...rows], [2]),
        ...(more > 0 ? [`and ${more} more (-o wide shows all)`] : []),
        ...(ledger.full
          ? [
              `the ledger was full (${ledger.size} entries per family)${flags.audit ? '' : `: ${unnoted} refused packets are not in it`}`,
            ]
          : []),
      ].join('\n');
    },
  });
}
