import { setTimeout as sleep } from 'node:timers/promises';
import type { Access } from '../access/model.ts';
import { applyTransaction } from '../compile/plan/apply-transaction.ts';
import { error, fail, ok, type Diagnostic, type Result } from '../diagnostic/diagnostic.ts';
import { getReady, sweep, SWEEP_AFTER_MS, type Start, type TakenTransaction } from '../kernel/apply-change.ts';
import { listOwnTable } from '../kernel/nft.ts';
import type { FollowedCommit } from '../netlink/commits.ts';
import type { Table } from '../ruleset/table.ts';
import { enforce, unenforce, type Enforced } from './enforce.ts';
import { watchOwnTable, type OwnTableWatch } from './own-table-watch.ts';
import type { Cut } from './plan/cut.ts';
import { leftoversAfter, oldestOf, sweepOf, type Leftovers } from './plan/leftovers.ts';

/** Makes the kernel enforce one access after another. Its calls wait for each other. */
export interface Enforcer {
  /**
   * Makes the kernel enforce an access and proves it. When something fails, what was enforced stays enforced. `cut`:
   * what of the tracked connections it cuts, as they were just now; those that begin until the switch are found after
   * it.
   */
  readonly apply: (access: Access, cut?: Cut | null) => Promise<Result<Enforced>>;
  /** Takes the own table away, and nothing else. True: there was one. */
  readonly remove: () => Promise<Result<boolean>>;
  /** What is believed of the own table is forgotten: the next change lists all of it. */
  readonly invalidate: () => void;
  /**
   * Waits until nothing is left to be swept and the next change could begin at once. Problems: those of the last sweep.
   */
  readonly rest: () => Promise<Result<null>>;
  /** The same, and ends it: no process, socket or timer stays. */
  readonly close: () => Promise<Result<null>>;
  /**
   * Why commits of others cannot be heard, so that every change lists the whole table; null: they are, or nobody asked
   * for it.
   */
  readonly followProblems: readonly Diagnostic[] | null;
}

export interface EnforcerOptions {
  /** No change begins after it, none goes on to its switch, and nothing is waited for. */
  readonly signal?: AbortSignal;
  /**
   * For a process that goes on running: what it knows of the table is used for the next change, and commits of others
   * are heard.
   */
  readonly follow?: boolean;
  /** Somebody else has written the own table; null: that may have happened unheard. */
  readonly onForeignWrite?: (commit: FollowedCommit | null) => void;
}

/** What has been in the kernel since the last change. */
interface Standing {
  readonly table: Table | null;
  readonly target: Table;
}

const ABORTED = error(
  'aborted',
  'the change was given up before it began',
  undefined,
  'What was enforced stays enforced',
);

/** Opens an enforcer. One process has one at a time, under the lock of its state directory. */
export const openEnforcer = ({
  signal,
  follow = false,
  onForeignWrite = () => undefined,
}: EnforcerOptions = {}): Enforcer => {
  let last: Promise<unknown> = Promise.resolve();
  let working = 0;
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    working++;
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      working--;
    }
  };

  let standing: Standing | null = null;
  let isKnown = false;
  let leftovers: Leftovers = new Map();
  let next: Start | null = null;
  let timer: NodeJS.Timeout | undefined;
  let swept: Result<null> = ok(null);
  let isClosed = false;

  const invalidate = (): void => {
    isKnown = false;
    next?.nft.abandon();
    next = null;
  };
  const hear = async (own: readonly TakenTransaction[]): Promise<void> => {
    if (watch === null) return;
    const { foreign, lost } = await watch.hear(own);
    if (!lost && foreign.length === 0) return;
    invalidate();
    if (lost) onForeignWrite(null);
    for (const commit of foreign) onForeignWrite(commit);
  };
  const watched = follow
    ? watchOwnTable(() => {
        // While a change is at work it is most likely its own; it hears that itself at its end.
        if (working === 0 && !isClosed) void inTurn(() => hear([]));
      })
    : null;
  const watch: OwnTableWatch | null = watched?.ok === true ? watched.value : null;

  const change = async (access: Access, from: Standing | null, cut: Cut | null, begin: number) => {
    const start = (from === null ? null : next) ?? getReady();
    next = null;
    try {
      const table = from === null ? await listOwnTable() : ok(from.table);
      if (!table.ok) return table;
      return await enforce(access, {
        table: table.value,
        isKnown: from !== null,
        start,
        cut,
        begin,
        signal: signal ?? null,
      });
    } finally {
      start.nft.abandon();
    }
  };

  const apply = async (access: Access, cut: Cut | null): Promise<Result<Enforced>> => {
    if (signal?.aborted === true) return fail(ABORTED);
    const begin = performance.now();
    clearTimeout(timer);
    await hear([]);
    const known = isKnown ? await change(access, standing, cut, begin) : null;
    const isGood = known?.ok === true && known.value.proof.holds;
    if (known !== null && !isGood) invalidate();
    const done = isGood ? known : await change(access, null, cut, begin);
    if (!done.ok) {
      invalidate();
      return done;
    }
    const { table, target, steps } = done.value;
    standing = { table, target };
    isKnown = watch !== null;
    leftovers = leftoversAfter(leftovers, table, target, performance.now());
    await hear(known?.ok === true && !isGood ? [...known.value.steps, ...steps] : steps);
    tidyLater();
    return done;
  };

  /**
   * Removes what nothing has referred to for a second; then a process that goes on makes itself ready for its next
   * change.
   */
  const tidy = async (): Promise<void> => {
    if (standing?.table != null && leftovers.size > 0) {
      const due = sweepOf(leftovers, standing.table, standing.target, performance.now() - SWEEP_AFTER_MS);
      const done = due.length === 0 ? ok([]) : await sweep(due);
      swept = done.ok ? ok(null) : fail(...done.problems);
      if (!done.ok) {
        // What is left is found again, and swept, by the next change.
        leftovers = new Map();
        invalidate();
        return;
      }
      const table = due.reduce(applyTransaction, standing.table);
      standing = { ...standing, table };
      leftovers = leftoversAfter(leftovers, table, standing.target, performance.now());
      await hear(done.value);
    }
    if (leftovers.size > 0) tidyLater();
    else if (isKnown && !isClosed) next ??= getReady();
  };
  const tidyLater = (): void => {
    if (isClosed || signal?.aborted === true) return;
    timer = setTimeout(() => void inTurn(tidy), untilSweep());
    timer.unref();
  };
  const untilSweep = (): number => {
    const oldest = oldestOf(leftovers);
    return oldest === null ? 0 : Math.max(0, oldest + SWEEP_AFTER_MS - performance.now());
  };

  const rest = async (): Promise<Result<null>> => {
    const isAborted = (): boolean => signal?.aborted === true;
    while (!isAborted()) {
      await last;
      if (leftovers.size === 0 && (!isKnown || next !== null || isClosed)) break;
      clearTimeout(timer);
      // Aborted: nothing is waited for.
      await sleep(untilSweep(), undefined, { signal }).catch(() => undefined);
      if (!isAborted()) await inTurn(tidy);
    }
    await next?.through;
    return swept;
  };

  return {
    apply: (access, cut = null) => inTurn(() => apply(access, cut)),
    remove: () =>
      inTurn(async () => {
        clearTimeout(timer);
        invalidate();
        [standing, leftovers] = [null, new Map()];
        return unenforce();
      }),
    invalidate,
    rest,
    close: async () => {
      isClosed = true;
      const result = await rest();
      clearTimeout(timer);
      await last;
      invalidate();
      watch?.close();
      return result;
    },
    followProblems: watched?.ok === false ? watched.problems : null,
  };
};
