import { prove } from '../../../src/audit/proof/proof.ts';
import { evaluateState, EMPTY_STATE } from '../../../src/access/state.ts';
import { compileTable } from '../../../src/compile/table/compile-table.ts';
import { planChange, planSweep } from '../../../src/compile/plan/plan-change.ts';
import type { ReplyPlace } from '../../../src/compile/table/replies.ts';
import { applyChange, sweep } from '../../../src/kernel/apply-change.ts';
import { listOwnTable } from '../../../src/kernel/nft.ts';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { good } from '../good.ts';
import { randomFrom } from '../random.ts';
import { choicesFrom } from './choices.ts';
import { GUARDED } from './plan.ts';
import { stateOf } from './states.ts';

// Runs inside the node's namespace: applies one random state after another with the product's own functions, as fast as
// they go.
//   node change.ts CHANGES SEED Drop|Reject
// The first line that it prints says that the first state is in force; what follows waits for a line of input. The last
// line: what was done.

/** Shorter than the product waits (SWEEP_AFTER_MS): packets under way are more likely to meet what is being swept. */
const SWEEP_WAIT_MS = 200;
const SWEEP_EVERY = 5;

const [changes = 0, seed = 0] = process.argv.slice(2, 4).map(Number);
const otherwise = process.argv[4] === 'Reject' ? 'Reject' : 'Drop';
const random = randomFrom(seed);
const choices = choicesFrom(random);
/** Replies are judged where refused clients have tracked connections; here, wherever chance will have it. */
const places = (): readonly ReplyPlace[] =>
  GUARDED.flatMap((port) =>
    (['tcp', 'udp'] as const)
      .filter((protocol) => choices.choose(`replies ${port} ${protocol}`, [true, false, false]))
      .map((protocol) => ({ address: null, protocol, port })),
  );
/** Mostly a few things change, sometimes everything. */
const step = (): void => choices.forget(random.once(8) ? 'all' : 1 + random.below(3));

const counts = { changes: 0, transactions: 0, bytes: 0, sweeps: 0 };
let current = good(await listOwnTable());
let begin = 0;
const ended: number[] = [];
for (let index = 0; index <= changes; index++) {
  step();
  const manifests = stateOf(choices, otherwise);
  const text = manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n');
  const { access } = good(evaluateState({ ...EMPTY_STATE, sources: [{ name: 'state', text }] }));
  const target = compileTable(access, current, { replies: places() });
  const steps = good(await applyChange(planChange(current, target)));
  current = good(await listOwnTable());
  const { differences } = prove(current, access);
  if (differences.length > 0) throw new Error(`change ${index} is not proven: ${JSON.stringify(differences[0])}`);
  if (index % SWEEP_EVERY === 0) {
    await sleep(SWEEP_WAIT_MS);
    counts.sweeps += good(await sweep(planSweep(current, target))).length;
    current = good(await listOwnTable());
  }
  if (index === 0) {
    console.log('in force');
    await once(process.stdin, 'data');
    process.stdin.destroy();
    begin = performance.now();
  } else counts.changes++;
  ended.push(Date.now());
  counts.transactions += steps.length;
  counts.bytes += steps.reduce((sum, { bytes }) => sum + bytes, 0);
}
console.log(JSON.stringify({ ...counts, seconds: (performance.now() - begin) / 1000, ended }));
