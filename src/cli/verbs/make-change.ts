import { accessDifference, type AccessDifference } from '../../access/difference.ts';
import { newlyCut, type CutFlow } from '../../access/flow.ts';
import { EMPTY_STATE, evaluateState, type Evaluated, type StoredState } from '../../access/state.ts';
import { compileTable } from '../../compile/table/compile-table.ts';
import { estimateOf, type Estimate } from '../../compile/table/estimate.ts';
import { error, ok, warning, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import { collectFacts } from '../../kernel/facts.ts';
import { localAddresses } from '../../kernel/local-addresses.ts';
import { takeLock } from '../../kernel/lock.ts';
import { clearPending, readPending } from '../../kernel/pending.ts';
import type { KubeProxyVariant } from '../../kernel/kube-proxy-mode.ts';
import { cautions, obstacles, type Facts } from '../../kernel/preconditions.ts';
import { putInForce, type InForce } from '../../kernel/put-in-force.ts';
import { cutBy } from '../../kernel/reply-places.ts';
import { armRollback } from '../../kernel/rollback.ts';
import { readState, stateDirectory } from '../../kernel/state-store.ts';
import { confirmTime } from '../input/confirm-time.ts';
import { EXIT, type Context, type Exit } from '../output/context.ts';
import type { RiskFlags } from '../input/flags.ts';
import { refusesOwnSession } from '../input/own-ssh.ts';
import { progress, say, showProblems, type OutputFlags } from '../output/report.ts';

export type ChangeFlags = OutputFlags & RiskFlags & { readonly dryRun: boolean };

/** What a change came to. */
export interface Changed {
  readonly previous: StoredState;
  readonly state: StoredState;
  readonly evaluated: Evaluated;
  readonly difference: AccessDifference;
  /** Tracked connections that were let through before and are not any more. */
  readonly cut: readonly CutFlow[];
  /** What the table costs the kernel; compiled only where somebody asks. */
  readonly estimate: () => Estimate;
  /** Whose rules are in the kernel beside ours; null: no kube-proxy's. */
  readonly kubeProxy: KubeProxyVariant | null;
  /** null: a dry run. */
  readonly inForce: InForce | 'dry-run';
  /** Milliseconds within which it must be confirmed; null: it stays. */
  readonly confirmMs: number | null;
  readonly warnings: readonly Diagnostic[];
}

/** What a command wants: the next state from the stored one, and how to tell about it. */
export interface Change {
  readonly next: (state: StoredState) => Promise<Result<StoredState>> | Result<StoredState>;
  readonly tell: (changed: Changed) => Promise<void>;
  /** From which stored states that cannot be read it may start as from nothing: never, from damaged ones, from newer ones too. */
  readonly startsAnew?: 'if-damaged' | 'always';
  /** What speaks against a state that is right in itself. */
  readonly objections?: (state: StoredState, evaluated: Evaluated) => readonly Diagnostic[];
}

/** The same answer each time, made at the first question. */
const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
};

const NOTHING_CHANGED = 'nothing was changed';

/** What stops a change, said by a dry run. */
const wouldStop = (problems: readonly Diagnostic[]): readonly Diagnostic[] =>
  problems.map(({ code, message, hint }) => warning(code, `a real run would stop here: ${message}`, undefined, hint));

/**
 * The way of every command that changes something: read the state, work out the next one, look at the machine and at the administrator's
 * own session, then put it in force (or say what it would do), tell, and clean up. Gives the exit status.
 */
export const makeChange = async (context: Context, flags: ChangeFlags, change: Change): Promise<Exit> => {
  const directory = stateDirectory(context.process.env);
  const refuse = (exit: Exit, problems: readonly Diagnostic[]): Exit => {
    const errors = problems.filter(({ severity }) => severity === 'error');
    showProblems(context, errors.length > 0 ? errors : problems, flags);
    say(context, NOTHING_CHANGED);
    return exit;
  };
  const facts = await collectFacts();
  if (flags.dryRun) return work(context, flags, change, facts, refuse);
  const blocked = obstacles(facts, flags.ignoreDataplane);
  if (blocked.length > 0) return refuse(EXIT.kernel, blocked);
  const lock = await takeLock(directory);
  if (!lock.ok) return refuse(EXIT.kernel, lock.problems);
  try {
    return await work(context, flags, change, facts, refuse);
  } finally {
    lock.value.release();
  }
};

const mayStartAnew = ({ startsAnew }: Change, problems: readonly Diagnostic[]): boolean =>
  startsAnew === 'always' || (startsAnew === 'if-damaged' && problems.every(({ code }) => code === 'state-damaged'));

const work = async (
  context: Context,
  flags: ChangeFlags,
  change: Change,
  facts: Facts,
  refuse: (exit: Exit, problems: readonly Diagnostic[]) => Exit,
): Promise<Exit> => {
  const directory = stateDirectory(context.process.env);
  const pending = readPending(directory);
  const late = pending !== null && pending.deadline <= Date.now();
  // Nobody has confirmed in time: what follows is a change of what comes back.
  const stored = late ? ok(pending.previous) : readState(directory);
  if (!stored.ok && !mayStartAnew(change, stored.problems)) return refuse(EXIT.kernel, stored.problems);
  const previous = stored.ok ? stored.value : EMPTY_STATE;
  if (pending !== null && !late && !flags.dryRun)
    return refuse(EXIT.usage, [
      error(
        'pending',
        'an earlier change still waits to be confirmed',
        undefined,
        `portcullis confirm keeps it; else it is taken back in ${Math.ceil((pending.deadline - Date.now()) / 1000)} s`,
      ),
    ]);
  const next = await change.next(previous);
  if (!next.ok) return refuse(EXIT.usage, next.problems);
  const evaluated = evaluateState(next.value);
  if (!evaluated.ok) return refuse(EXIT.usage, evaluated.problems);
  const { access } = evaluated.value;
  const objections = change.objections?.(next.value, evaluated.value) ?? [];
  if (objections.length > 0) return refuse(EXIT.usage, objections);

  const warnings = [
    ...(stored.ok
      ? []
      : stored.problems.map(({ code, message }) =>
          warning(code, `${message}: this starts anew, and earlier restrictions are forgotten`),
        )),
    ...next.warnings,
    ...evaluated.warnings,
    ...(flags.dryRun ? wouldStop(obstacles(facts, flags.ignoreDataplane)) : []),
    ...cautions(facts, access),
  ];
  const stopping = warnings.filter(({ severity }) => severity === 'error');
  if (stopping.length > 0) return refuse(EXIT.usage, stopping);
  const own = flags.yesCutMeOff ? null : await refusesOwnSession(context, access);
  if (own !== null) {
    if (!flags.dryRun) return refuse(EXIT.usage, [own]);
    warnings.push(...wouldStop([own]));
  }

  const before = evaluateState(previous);
  const accessBefore = before.ok ? before.value.access : null;
  const isLocal = localAddresses();
  const newly = (flows: readonly CutFlow[]): readonly CutFlow[] => newlyCut(flows, accessBefore, isLocal);
  const seen = facts.mayAdministrate ? await cutBy(access, isLocal) : null;
  const cut = newly(seen?.flows ?? []);
  const confirm = confirmTime(context, flags, cut);
  if (!confirm.ok) return refuse(EXIT.usage, confirm.problems);
  showProblems(context, warnings, flags);

  const about = {
    previous,
    state: next.value,
    evaluated: evaluated.value,
    difference: accessDifference(accessBefore, access),
    cut,
    estimate: once(() => estimateOf(compileTable(access, null))),
    kubeProxy: facts.kubeProxy,
    confirmMs: confirm.value,
    warnings,
  };
  if (flags.dryRun) {
    await change.tell({ ...about, inForce: 'dry-run' });
    say(context, `dry run: ${NOTHING_CHANGED}`);
    return EXIT.fine;
  }
  if (confirm.value !== null) {
    const armed = await armRollback(directory, previous, confirm.value);
    if (!armed.ok) return refuse(EXIT.kernel, armed.problems);
  }
  const done = progress(context, 'putting the policies in force');
  const inForce = await putInForce(directory, next.value, evaluated.value, seen);
  done();
  if (!inForce.ok) {
    if (confirm.value !== null) clearPending(directory);
    showProblems(context, inForce.problems, flags);
    return EXIT.kernel;
  }
  if (late && confirm.value === null) clearPending(directory);
  await change.tell({
    ...about,
    cut: inForce.value === null ? cut : newly(inForce.value.cut),
    inForce: inForce.value,
  });
  const finished = await inForce.value?.finish();
  if (finished?.ok === false) showProblems(context, finished.problems, flags);
  return inForce.value === null || inForce.value.proof.holds ? EXIT.fine : EXIT.found;
};
