import { setTimeout as sleep } from 'node:timers/promises';
import type { CutFlow } from '../access/flow.ts';
import type { Access } from '../access/model.ts';
import type { Proof } from '../audit/proof/differences.ts';
import { prove } from '../audit/proof/proof.ts';
import { planChange } from '../compile/plan/plan-change.ts';
import { countTouched, touchedBy, touchedOnly, type Touched } from '../compile/plan/touched.ts';
import { compileTable } from '../compile/table/compile-table.ts';
import { fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import {
  applyChange,
  getReady,
  sweep,
  SWEEP_AFTER_MS,
  type Start,
  type Taken,
  type TakenTransaction,
} from '../kernel/apply-change.ts';
import { listFlows } from '../kernel/conntrack.ts';
import { localAddresses } from '../kernel/local-addresses.ts';
import { listOwnTable, relist, type Relisted } from '../kernel/nft.ts';
import type { Table } from '../ruleset/table.ts';
import { cutOf, mergePlaces, type Cut } from './plan/cut.ts';

/** What came of making the kernel enforce an access. */
export interface Enforced {
  readonly proof: Proof;
  /** The own table as the kernel lists it after the switch. */
  readonly table: Table | null;
  /** The table that was compiled for the access: what is left of `table` when nothing superfluous is. */
  readonly target: Table;
  readonly cut: readonly CutFlow[];
  readonly steps: readonly TakenTransaction[];
  /** Milliseconds from the first look at the kernel to the proof. */
  readonly ms: number;
}

/** From what a change starts. */
export interface Beginning {
  /** The own table; null: there is none. */
  readonly table: Table | null;
  /**
   * The table is what a process knows from its own changes: then only what the change writes is listed for the proof.
   */
  readonly isKnown: boolean;
  readonly start: Start;
  /** What was found out about tracked connections just now; null: nothing. */
  readonly cut: Cut | null;
  /** Milliseconds, as performance.now() gives them, at which the change began. */
  readonly begin: number;
  readonly signal: AbortSignal | null;
}

/** Connections can begin between the look at them and the switch; after the first round those are refused already. */
const MOST_ROUNDS = 3;

/** From this number of objects on it takes less time to list the whole table. */
const MOST_RELISTED = 8;

/** Lists the own table after a change: all of it, or only what is written, when the rest is known. */
interface Lister {
  readonly taken: Taken;
  readonly listed: () => Promise<Result<Table | null>>;
}

const listAll: Lister = { taken: () => undefined, listed: listOwnTable };

/** Each object is listed as soon as no later transaction writes it, while those go on. */
const listWritten = (known: Table, touched: Touched): Lister => {
  if (countTouched(touched) > MOST_RELISTED) return listAll;
  const begun: Promise<Result<Relisted>>[] = [];
  return {
    taken: (transaction, later) => {
      const [now, then] = [touchedBy([transaction], known), touchedBy(later, known)];
      if (now !== null && then !== null) begun.push(relist(touchedOnly(now, then)));
    },
    listed: async () => {
      let table = known;
      for (const relisted of await Promise.all(begun)) {
        if (!relisted.ok) return relisted;
        table = relisted.value(table);
      }
      return ok(table);
    },
  };
};

/**
 * Makes the kernel enforce `access`, and proves it from the kernel's own listing. When something fails, what was
 * enforced stays enforced (see {@link applyChange}). What nothing refers to any more is left in the table, for {@link
 * sweep}.
 */
export const enforce = async (access: Access, beginning: Beginning): Promise<Result<Enforced>> => {
  const { begin, start, signal } = beginning;
  const isLocal = localAddresses();
  const cutNow = async (): Promise<Cut> => cutOf(access, await listFlows(), isLocal);
  const steps: TakenTransaction[] = [];
  let current = beginning.table;
  let isKnown = beginning.isKnown;
  let cut = beginning.cut ?? (await cutNow());
  let places = cut.places;
  let target = compileTable(access, current, { replies: places });
  for (let round = 1; ; round++) {
    let change = planChange(current, target);
    let touched = isKnown && current !== null ? touchedBy([...change.stage, ...change.switch], current) : null;
    if (isKnown && touched === null) {
      // A chain that counts goes on counting where it stopped, so its numbers must be those of now.
      const listed = await listOwnTable();
      if (!listed.ok) return listed;
      [current, isKnown] = [listed.value, false];
      target = compileTable(access, current, { replies: places });
      change = planChange(current, target);
      touched = null;
    }
    const lister = current !== null && touched !== null ? listWritten(current, touched) : listAll;
    const applied = await applyChange(change, {
      taken: lister.taken,
      start: round === 1 ? start : getReady(),
      signal,
    });
    if (!applied.ok) return applied;
    steps.push(...applied.value);
    const isLast = round === MOST_ROUNDS || applied.value.length === 0;
    const [listed, again] = await Promise.all([lister.listed(), isLast ? cut : cutNow()]);
    if (!listed.ok) return listed;
    current = listed.value;
    if (isLast) break;
    const merged = mergePlaces(places, again.places);
    if (merged.length === places.length) break;
    [cut, places] = [again, merged];
    target = compileTable(access, current, { replies: places });
  }
  const proof = prove(current, access);
  return ok({ proof, table: current, target, cut: cut.flows, steps, ms: performance.now() - begin });
};

/** Takes the own table away, and nothing else. True: there was one. */
export const unenforce = async (): Promise<Result<boolean>> => {
  const current = await listOwnTable();
  if (!current.ok) return current;
  if (current.value === null) return ok(false);
  const change = planChange(current.value, null);
  const switched = await applyChange(change);
  if (!switched.ok) return switched;
  await sleep(SWEEP_AFTER_MS);
  const swept = await sweep(change.sweep);
  return swept.ok ? ok(true) : fail(...swept.problems);
};
