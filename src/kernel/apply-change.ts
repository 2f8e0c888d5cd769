import type { Change, Transaction } from '../compile/transaction.ts';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { packetsAreThrough, runTransaction } from './nft.ts';

/** What one transaction took. */
export interface Step {
  readonly phase: 'stage' | 'switch' | 'sweep';
  readonly bytes: number;
  /** Milliseconds since it was given to nft, or since nft was started where no packets were waited for. */
  readonly ms: number;
}

/** After the last reference to an object is gone, a second passes before it is deleted. No packet takes that long. */
export const SWEEP_AFTER_MS = 1000;

const WHAT_HOLDS = {
  stage: 'What was enforced is enforced as before; what was staged is swept by the next apply',
  switch: 'Every exposure is guarded by its old or its new policies; apply again',
  sweep: 'The new policies are in force; what is left over is swept by the next apply',
} as const;

/** Is told of each transaction that the kernel has taken, and of those that it is yet to get. */
export type Taken = (transaction: Transaction, later: readonly Transaction[]) => void;

/** When this process gave its last transaction to the kernel. */
let lastTaken = Number.NEGATIVE_INFINITY;

/** Runs transactions one after another. Packets meet what is at most one transaction old. */
const run = async (
  steps: Step[],
  phase: Step['phase'],
  transactions: readonly Transaction[],
  taken: (transaction: Transaction) => void = () => undefined,
): Promise<Result<null>> => {
  for (const transaction of transactions) {
    // Those before the last transaction, which may be one of another change. nft starts meanwhile.
    let start = performance.now();
    const waited = async (): Promise<void> => {
      await packetsAreThrough();
      start = performance.now();
    };
    const through = start - lastTaken < SWEEP_AFTER_MS ? waited() : Promise.resolve();
    const result = await runTransaction(transaction, through);
    if (!result.ok)
      return fail(
        ...result.problems,
        error('phase-failed', `the change stopped in its ${phase} phase`, undefined, WHAT_HOLDS[phase]),
      );
    lastTaken = performance.now();
    steps.push({ phase, bytes: result.value.bytes, ms: lastTaken - start });
    taken(transaction);
  }
  return ok(null);
};

/** Stages and switches; the sweep is left to {@link sweep}. When it fails it stops, and says what is in force. */
export const applyChange = async (change: Change, taken?: Taken): Promise<Result<readonly Step[]>> => {
  const steps: Step[] = [];
  const all = [...change.stage, ...change.switch];
  for (const phase of ['stage', 'switch'] as const) {
    const result = await run(steps, phase, change[phase], (transaction) =>
      taken?.(transaction, all.slice(steps.length)),
    );
    if (!result.ok) return result;
  }
  return ok(steps);
};

/** Removes what nothing has referred to for a second. The caller waits {@link SWEEP_AFTER_MS} after the switch. */
export const sweep = async (transactions: readonly Transaction[]): Promise<Result<readonly Step[]>> => {
  const steps: Step[] = [];
  const result = await run(steps, 'sweep', transactions);
  return result.ok ? ok(steps) : result;
};
