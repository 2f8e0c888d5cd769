import { setTimeout as sleep } from 'node:timers/promises';
import type { CutFlow } from '../access/flow.ts';
import type { Access } from '../access/model.ts';
import { prove, type Proof } from '../audit/proof.ts';
import { compileTable } from '../compile/compile-table.ts';
import { planChange, planSweep } from '../compile/plan-change.ts';
import type { ReplyPlace } from '../compile/replies.ts';
import { fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import type { Table } from '../ruleset/table.ts';
import { applyChange, sweep, SWEEP_AFTER_MS, type Step } from './apply-change.ts';
import { localAddresses } from './local-addresses.ts';
import { listOwnTable } from './nft.ts';
import { cutBy, mergePlaces } from './reply-places.ts';

/** What came of making the kernel enforce an access. */
export interface Enforced {
  readonly proof: Proof;
  /** The own table as the kernel lists it after the switch. */
  readonly table: Table | null;
  readonly cut: readonly CutFlow[];
  readonly steps: readonly Step[];
  /** Milliseconds from the first look at the kernel to the proof. */
  readonly ms: number;
  /** Removes what nothing refers to any more; waits until a second after the switch. */
  readonly finish: () => Promise<Result<readonly Step[]>>;
}

/** Connections can begin between the look at them and the switch; after the first round those are refused already. */
const MOST_ROUNDS = 3;

/**
 * Makes the kernel enforce `access`, and proves it from the kernel's own listing. When something fails, what was enforced stays enforced
 * (see {@link applyChange}). The caller stores the state and then calls `finish`.
 */
export const enforce = async (access: Access): Promise<Result<Enforced>> => {
  const start = performance.now();
  const isLocal = await localAddresses();
  const before = await listOwnTable();
  if (!before.ok) return before;
  const steps: Step[] = [];
  let current = before.value;
  let cut = await cutBy(access, isLocal);
  let places: readonly ReplyPlace[] = cut.places;
  let target = compileTable(access, current, { replies: places });
  for (let round = 1; ; round++) {
    const applied = await applyChange(planChange(current, target));
    if (!applied.ok) return applied;
    steps.push(...applied.value);
    const listed = await listOwnTable();
    if (!listed.ok) return listed;
    current = listed.value;
    if (round === MOST_ROUNDS || applied.value.length === 0) break;
    const again = await cutBy(access, isLocal);
    const merged = mergePlaces(places, again.places);
    if (merged.length === places.length) break;
    [cut, places] = [again, merged];
    target = compileTable(access, current, { replies: places });
  }
  const proof = prove(current, access);
  const ended = performance.now();
  const finish = async (): Promise<Result<readonly Step[]>> => {
    const left = planSweep(current, target);
    if (left.length === 0) return ok([]);
    await sleep(Math.max(0, SWEEP_AFTER_MS - (performance.now() - ended)));
    return sweep(left);
  };
  return ok({ proof, table: current, cut: cut.flows, steps, ms: ended - start, finish });
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
