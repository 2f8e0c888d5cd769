import { AUDIT_LEDGER, LEDGER } from '../../compile/table/names.ts';
import type { Address } from '../../net/address.ts';
import { FAMILIES } from '../../net/family.ts';
import { PROTOCOL_NUMBER, PROTOCOLS, type Protocol } from '../../net/protocol.ts';
import type { Table } from '../../ruleset/table.ts';

/** Who was refused where (or, in the audit ledger, would have been), how often, and how long ago last. */
export interface LedgerEntry {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol | null;
  readonly port: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  /** null where the listing does not say. */
  readonly secondsAgo: number | null;
}

export interface Ledger {
  /** The most recent first. */
  readonly entries: readonly LedgerEntry[];
  /** Entries at most, per family. */
  readonly size: number;
  readonly full: boolean;
}

/** Reads the ledger out of a listed table. */
export const ledgerOf = (table: Table, which: 'refused' | 'audit'): Ledger => {
  const names = which === 'refused' ? LEDGER : AUDIT_LEDGER;
  const sets = FAMILIES.flatMap((family) => {
    const set = table.sets.get(names[family]);
    return set?.kind === 'dynamic' ? [{ family, set }] : [];
  });
  const entries = sets.flatMap(({ family, set }) =>
    set.elements.flatMap(({ key, counter, expires }): LedgerEntry[] => {
      const [source, destination, protocol, port] = key.map((value) => (value.kind === 'range' ? value.first : null));
      if (source == null || destination == null || port == null) return [];
      return [
        {
          source: { family, value: source },
          destination: { family, value: destination },
          protocol: PROTOCOLS.find((known) => BigInt(PROTOCOL_NUMBER[known]) === protocol) ?? null,
          port: Number(port),
          ...counter,
          secondsAgo: expires === null ? null : Math.max(0, set.timeout - expires),
        },
      ];
    }),
  );
  return {
    entries: entries.sort((a, b) => (a.secondsAgo ?? 0) - (b.secondsAgo ?? 0)),
    size: sets[0]?.set.size ?? 0,
    full: sets.some(({ set }) => set.size > 0 && set.elements.length >= set.size),
  };
};
