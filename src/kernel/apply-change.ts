import type { Change, Transaction } from '../compile/plan/transaction.ts';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { packetsAreThrough, startNft, type ReadyNft } from './nft.ts';

/** What one transaction took. */
export interface TakenTransaction {
  readonly phase: 'stage' | 'switch' | 'sweep';
  readonly bytes: number;
  /** Milliseconds since it was given to nft. */
  readonly ms: number;
  /** The process that has written it. */
  readonly writer: number;
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

/** A transaction, and the part of a change to which it belongs. */
interface Planned {
  readonly phase: TakenTransaction['phase'];
  readonly transaction: Transaction;
}

const plan = (phase: TakenTransaction['phase'], transactions: readonly Transaction[]): readonly Planned[] =>
  transactions.map((transaction) => ({ phase, transaction }));

/** What can be started before it is known what changes. */
export interface Start {
  readonly nft: ReadyNft;
  /** Is fulfilled when every packet is through that may have met what others have changed just before. */
  readonly through: Promise<void>;
}

export interface ChangeOptions {
  readonly start?: Start;
  readonly taken?: Taken;
  /** Aborted: the change does not go on to its switch. */
  readonly signal?: AbortSignal | null;
}

/** To be called when nobody else can change the own table any more. What is not used must be abandoned. */
export const getReady = (): Start => ({ nft: startNft(), through: packetsAreThrough() });

/** New sets of addresses alone, which no packet notices. */
const isUnnoticed = ({ operations }: Transaction): boolean =>
  operations.every((operation) => operation.kind === 'add-set' && operation.set.kind === 'addresses');

/**
 * Runs transactions one after another. It waits for a grace period before each: nf_tables alternates two generations
 * (nf_tables_commit_chain), and no packet may still hold the one that is written next, whoever made the last change.
 * nft for the next transaction starts meanwhile.
 */
const run = async (
  planned: readonly Planned[],
  { start = getReady(), taken, signal = null }: ChangeOptions = {},
): Promise<Result<readonly TakenTransaction[]>> => {
  const steps: TakenTransaction[] = [];
  let { nft, through } = start;
  let tell = (): void => undefined;
  for (const [index, { phase, transaction }] of planned.entries()) {
    const later = planned.slice(index + 1);
    await through;
    // Once the switch has begun it goes on to its end.
    if (phase === 'stage' && signal?.aborted === true) {
      nft.abandon();
      return fail(error('aborted', 'the change was given up in its stage phase', undefined, WHAT_HOLDS.stage));
    }
    const begin = performance.now();
    const running = nft.run(transaction);
    // To start a program can take longer than a transaction, so nft gets this one first.
    await Promise.resolve();
    if (later.length > 0) nft = startNft();
    tell();
    const result = await running;
    if (!result.ok) {
      nft.abandon();
      return fail(
        ...result.problems,
        error('phase-failed', `the change stopped in its ${phase} phase`, undefined, WHAT_HOLDS[phase]),
      );
    }
    steps.push({ phase, ...result.value, ms: performance.now() - begin });
    if (later.length > 0 && !isUnnoticed(transaction)) through = packetsAreThrough();
    tell = () =>
      taken?.(
        transaction,
        later.map((one) => one.transaction),
      );
  }
  tell();
  if (planned.length === 0) nft.abandon();
  return ok(steps);
};

/** Stages and switches; the sweep is left to {@link sweep}. When it fails it stops, and says what is in force. */
export const applyChange = (
  change: Change,
  options: ChangeOptions = {},
): Promise<Result<readonly TakenTransaction[]>> =>
  run([...plan('stage', change.stage), ...plan('switch', change.switch)], options);

/** Removes what nothing has referred to for a second. The caller waits {@link SWEEP_AFTER_MS} after the switch. */
export const sweep = (transactions: readonly Transaction[]): Promise<Result<readonly TakenTransaction[]>> =>
  run(plan('sweep', transactions));
