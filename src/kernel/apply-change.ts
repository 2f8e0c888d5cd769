import { setTimeout as sleep } from 'node:timers/promises';
import type { Change, Transaction } from '../compile/transaction.ts';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { runTransaction } from './nft.ts';

/** What one transaction took. */
export interface Step {
  readonly phase: 'stage' | 'switch' | 'sweep';
  readonly bytes: number;
  /** Milliseconds since it was given to nft, or since nft was started where it did not have to wait. */
  readonly ms: number;
}

/**
 * Between two transactions: longer than a packet needs through the base chains, also where the processor is taken away meanwhile.
 * After the last reference to an object is gone, a second passes before it is deleted.
 */
const GAP_MS = 20;
export const SWEEP_AFTER_MS = 1000;

const WHAT_HOLDS = {
  stage: 'What was enforced is enforced as before; what was staged is swept by the next apply',
  switch: 'Every exposure is guarded by its old or its new policies; apply again',
  sweep: 'The new policies are in force; what is left over is swept by the next apply',
} as const;

/** Is told of each transaction that the kernel has taken, and of those that it is yet to get. */
export type Taken = (transaction: Transaction, later: readonly Transaction[]) => void;

/** Transactions one after another, and the pause behind the last one. */
interface Run {
  readonly steps: Step[];
  gap: Promise<unknown>;
}

const newRun = (): Run => ({ steps: [], gap: Promise.resolve() });

const run = async (
  state: Run,
  phase: Step['phase'],
  transactions: readonly Transaction[],
  taken: (transaction: Transaction) => void = () => undefined,
): Promise<Result<null>> => {
  const { steps } = state;
  for (const transaction of transactions) {
    // nft starts while the pause lasts.
    let start = performance.now();
    const given = state.gap.then(() => {
      if (steps.length > 0) start = performance.now();
    });
    const result = await runTransaction(transaction, given);
    if (!result.ok)
      return fail(
        ...result.problems,
        error('phase-failed', `the change stopped in its ${phase} phase`, undefined, WHAT_HOLDS[phase]),
      );
    steps.push({ phase, bytes: result.value.bytes, ms: performance.now() - start });
    state.gap = sleep(GAP_MS, undefined, { ref: false });
    taken(transaction);
  }
  return ok(null);
};

/** Stages and switches; the sweep is left to {@link sweep}. When it fails it stops, and says what is in force. */
export const applyChange = async (change: Change, taken?: Taken): Promise<Result<readonly Step[]>> => {
  const state = newRun();
  const all = [...change.stage, ...change.switch];
  for (const phase of ['stage', 'switch'] as const) {
    const result = await run(state, phase, change[phase], (transaction) =>
      taken?.(transaction, all.slice(state.steps.length)),
    );
    if (!result.ok) return result;
  }
  return ok(state.steps);
};

/** Removes what nothing has referred to for a second. The caller waits {@link SWEEP_AFTER_MS} after the switch. */
export const sweep = async (transactions: readonly Transaction[]): Promise<Result<readonly Step[]>> => {
  const state = newRun();
  const result = await run(state, 'sweep', transactions);
  return result.ok ? ok(state.steps) : result;
};
