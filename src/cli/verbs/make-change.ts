import type { CutFlow } from '../../access/flow.ts';
import { carryOut } from '../../change/carry-out.ts';
import { openEnforcer } from '../../change/enforcer.ts';
import { lookAround } from '../../change/look-around.ts';
import type { Facts } from '../../change/plan/facts.ts';
import { planFor, type Plan } from '../../change/plan/plan.ts';
import { obstacles } from '../../change/plan/preconditions.ts';
import type { Wish } from '../../change/plan/wish.ts';
import type { InForce } from '../../change/put-in-force.ts';
import type { Diagnostic, Result } from '../../diagnostic/diagnostic.ts';
import type { KubeProxyVariant } from '../../kube-proxy/mode.ts';
import { collectFacts } from '../../kernel/facts.ts';
import { takeLock } from '../../kernel/lock.ts';
import { stateDirectory } from '../../kernel/state-store.ts';
import { readConfirmTime } from '../input/confirm-time.ts';
import type { RiskFlags } from '../input/flags.ts';
import { EXIT, type Context, type Exit } from '../output/context.ts';
import { progress, say, showProblems, type OutputFlags } from '../output/report.ts';

export type ChangeFlags = OutputFlags & RiskFlags & { readonly dryRun: boolean };

/** What a command asks for, and how it tells what came of it. */
export interface Request {
  /** Read once nothing speaks against a change at all, and before other commands are held up. */
  readonly wish: () => Promise<Result<Wish>> | Result<Wish>;
  readonly tell: (change: MadeChange) => Promise<void>;
}

/** What a change came to. */
export interface MadeChange {
  readonly plan: Plan;
  /** Whose rules are in the kernel beside ours; null: no kube-proxy's. */
  readonly kubeProxy: KubeProxyVariant | null;
  readonly inForce: InForce | 'dry-run';
  /** Tracked connections that were let through before and are not any more. */
  readonly cut: readonly CutFlow[];
  readonly warnings: readonly Diagnostic[];
}

const NOTHING_CHANGED = 'nothing was changed';

/**
 * The way of every command that changes something: what is wished, what that means, then do it and tell. Gives the exit
 * status.
 */
export const makeChange = async (context: Context, flags: ChangeFlags, request: Request): Promise<Exit> => {
  const facts = await collectFacts();
  const obstacle = flags.dryRun ? [] : obstacles(facts, flags.ignoreDataplane);
  if (obstacle.length > 0) return refuse(context, flags, EXIT.kernel, obstacle);
  const wish = await request.wish();
  if (!wish.ok) return refuse(context, flags, EXIT.usage, wish.problems);
  const change = (): Promise<Exit> => planAndCarryOut(context, flags, request, facts, wish.value, wish.warnings);
  if (flags.dryRun) return change();
  const lock = await takeLock(stateDirectory(context.process.env));
  if (!lock.ok) return refuse(context, flags, EXIT.kernel, lock.problems);
  try {
    return await change();
  } finally {
    lock.value.release();
  }
};

/** Says why there is no change. Warnings count only where there is no error. */
const refuse = (context: Context, flags: ChangeFlags, exit: Exit, problems: readonly Diagnostic[]): Exit => {
  const errors = problems.filter(({ severity }) => severity === 'error');
  showProblems(context, errors.length > 0 ? errors : problems, flags);
  say(context, NOTHING_CHANGED);
  return exit;
};

const planAndCarryOut = async (
  context: Context,
  flags: ChangeFlags,
  { tell }: Request,
  facts: Facts,
  wish: Wish,
  doubts: readonly Diagnostic[],
): Promise<Exit> => {
  const confirmWithin = readConfirmTime(context, flags);
  if (!confirmWithin.ok) return refuse(context, flags, EXIT.usage, confirmWithin.problems);
  const directory = stateDirectory(context.process.env);
  const situation = await lookAround(directory, facts, context.process.env);
  const planned = planFor(situation, wish, {
    rehearsal: flags.dryRun,
    ignoreDataplane: flags.ignoreDataplane,
    mayCutOwnSession: flags.yesCutMeOff,
    confirmWithin: confirmWithin.value,
  });
  if (planned.kind === 'refused')
    return refuse(context, flags, planned.because === 'machine' ? EXIT.kernel : EXIT.usage, planned.problems);
  const { plan } = planned;
  const about = { plan, kubeProxy: facts.kubeProxy, warnings: [...doubts, ...plan.warnings] };
  showProblems(context, about.warnings, flags);
  if (flags.dryRun) {
    await tell({ ...about, inForce: 'dry-run', cut: plan.newlyCut });
    say(context, `dry run: ${NOTHING_CHANGED}`);
    return EXIT.fine;
  }
  const enforcer = openEnforcer();
  let done = (): void => undefined;
  const inForce = await carryOut(plan, directory, enforcer, async (event) => {
    switch (event.kind) {
      case 'rollback-armed':
        return;
      case 'begun':
        done = progress(context, 'putting the policies in force');
        return;
      case 'in-force':
        done();
        return tell({ ...about, inForce: event.inForce, cut: event.cut });
      case 'failed':
        done();
        showProblems(context, event.problems, flags);
    }
  });
  const closed = await enforcer.close();
  if (!inForce.ok) return EXIT.kernel;
  if (!closed.ok) showProblems(context, closed.problems, flags);
  return inForce.value === null || inForce.value.proof.holds ? EXIT.fine : EXIT.found;
};
