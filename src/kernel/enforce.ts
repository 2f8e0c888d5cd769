import { setTimeout as sleep } from 'node:timers/promises';
import type { CutFlow } from '../access/flow.ts';
import type { Access } from '../access/model.ts';
import { prove } from '../audit/proof/proof.ts';
import type { Proof } from '../audit/proof/differences.ts';
import { applyTransaction } from '../compile/plan/apply-transaction.ts';
import { compileTable } from '../compile/table/compile-table.ts';
import { planChange, planSweep } from '../compile/plan/plan-change.ts';
import type { ReplyPlace } from '../compile/table/replies.ts';
import { countTouched, touchedBy, touchedOnly, type Touched } from '../compile/plan/touched.ts';
import { fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import type { Table } from '../ruleset/table.ts';
import {
  applyChange,
  getReady,
  sweep,
  SWEEP_AFTER_MS,
  type Start,
  type TakenTransaction,
  type Taken,
} from './apply-change.ts';
import { localAddresses } from './local-addresses.ts';
import { listOwnTable, relist, type Relisted } from './nft.ts';
import { cutBy, mergePlaces, type Cut } from './reply-places.ts';

/** What came of making the kernel enforce an access. */
export interface Enforced {
  readonly proof: Proof;
  /** The own table as the kernel lists it after the switch. */
  readonly table: Table | null;
  /** The same once `finish` has swept. */
  readonly swept: Table | null;
  readonly cut: readonly CutFlow[];
  readonly steps: readonly TakenTransaction[];
  /** Milliseconds from the first look at the kernel to the proof. */
  readonly ms: number;
  /** Removes what nothing refers to any more; waits until a second after the switch. */
  readonly finish: () => Promise<Result<readonly TakenTransaction[]>>;
}

/** What a process that goes on running knows of the own table, and has started for its next change. */
export interface Known {
  readonly table: Table | null;
  readonly start: Start;
}

/**
 * To be called after `finish`, with what it has left (`swept`): what takes long is then done before the next change comes. An nft waits for
 * it; a process that comes to its end abandons it.
 */
export const readyFrom = (table: Table | null): Known => ({ table, start: getReady() });

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
 * Makes the kernel enforce `access`, and proves it from the kernel's own listing. When something fails, what was enforced stays enforced
 * (see {@link applyChange}). The caller stores the state and then calls `finish`.
 *
 * `known`: what an earlier call of this process left in the kernel ({@link readyFrom}), when nobody has written the own table since; the
 * caller watches for that. Then only what the change writes is listed and taken into the proof anew. Where the kernel refuses such a change
 * or the proof does not hold, the whole table is listed after all. `cut`: the tracked connections as they were just now; those that begin until the
 * switch are found after it.
 */
export const enforce = async (
  access: Access,
  { known = null, cut = null }: { readonly known?: Known | null; readonly cut?: Cut | null } = {},
): Promise<Result<Enforced>> => {
  const begin = performance.now();
  const from = async <K extends boolean>(start: Start, before: Promise<Result<Table | null>>, isKnown: K) => {
    try {
      return await enforceFrom(access, await before, isKnown, begin, cut, start);
    } finally {
      start.nft.abandon();
    }
  };
  const full = () => from(getReady(), listOwnTable(), false);
  if (known === null) return full();
  const quick = await from(known.start, Promise.resolve(ok(known.table)), true);
  return quick === 'list-all' || !quick.ok || !quick.value.proof.holds ? full() : quick;
};

const enforceFrom = async <K extends boolean>(
  access: Access,
  before: Result<Table | null>,
  isKnown: K,
  begin: number,
  seen: Cut | null,
  start: Start,
): Promise<Result<Enforced> | (K extends true ? 'list-all' : never)> => {
  if (!before.ok) return before;
  const isLocal = localAddresses();
  const steps: TakenTransaction[] = [];
  let current = before.value;
  let cut = seen ?? (await cutBy(access, isLocal));
  let places: readonly ReplyPlace[] = cut.places;
  let target = compileTable(access, current, { replies: places });
  for (let round = 1; ; round++) {
    const change = planChange(current, target);
    const known = isKnown ? current : null;
    const touched = known === null ? null : touchedBy([...change.stage, ...change.switch], known);
    // A chain that counts goes on counting where it stopped, so its numbers must be those of now.
    if (known !== null && touched === null) return 'list-all' as K extends true ? 'list-all' : never;
    const { taken, listed: list } = known === null || touched === null ? listAll : listWritten(known, touched);
    const applied = await applyChange(change, taken, round === 1 ? start : getReady());
    if (!applied.ok) return applied;
    steps.push(...applied.value);
    const isLast = round === MOST_ROUNDS || applied.value.length === 0;
    const [listed, again] = await Promise.all([list(), isLast ? cut : cutBy(access, isLocal)]);
    if (!listed.ok) return listed;
    current = listed.value;
    if (isLast) break;
    const merged = mergePlaces(places, again.places);
    if (merged.length === places.length) break;
    [cut, places] = [again, merged];
    target = compileTable(access, current, { replies: places });
  }
  const proof = prove(current, access);
  const ended = performance.now();
  const left = planSweep(current, target);
  const finish = async (): Promise<Result<readonly TakenTransaction[]>> => {
    if (left.length === 0) return ok([]);
    await sleep(Math.max(0, SWEEP_AFTER_MS - (performance.now() - ended)));
    return sweep(left);
  };
  return ok({
    proof,
    table: current,
    swept: left.reduce(applyTransaction, current),
    cut: cut.flows,
    steps,
    ms: ended - begin,
    finish,
  });
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
