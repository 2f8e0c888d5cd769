import { serviceNames } from '../../audit/exposures/service-names.ts';
import { error, fail, ok, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import { readDestination, readSender, type PacketRequest, type STATES } from '../../explain/question/packet-request.ts';
import { readOrder } from '../../explain/question/read-order.ts';
import { resolvePacket } from '../../explain/question/resolve-packet.ts';
import { traceJson } from '../../explain/path/trace-json.ts';
import { traceSvg } from '../../explain/path/trace-svg.ts';
import { summarize } from '../../explain/path/trace-summary.ts';
import { traceTree } from '../../explain/path/trace-tree.ts';
import { traceView, type TraceView } from '../../explain/path/trace-view.ts';
import { whoWords } from '../../explain/question/who-words.ts';
import { findRule } from '../../explain/why/find-rule.ts';
import { whyNot } from '../../explain/why/why-not.ts';
import { withCommand, withTable } from '../../explain/why/what-if.ts';
import { compileTable } from '../../compile/table/compile-table.ts';
import { EMPTY_STATE, evaluateState } from '../../access/state.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { Table } from '../../ruleset/table.ts';
import { simulate, type SimulateOptions } from '../../simulate/simulate.ts';
import type { Trace } from '../../simulate/state/trace.ts';
import { EXIT, type Context } from '../output/context.ts';
import { withFiles } from '../input/read-declaration.ts';
import { explainBatch } from './explain-batch.ts';
import { explainTrees } from './explain-trees.ts';
import { loadNodes, type LoadedNode } from '../input/load-nodes.ts';
import { readServices } from '../input/read-services.ts';
import type { DumpFlags } from '../input/dump-flags.ts';
import { emitData, say, showProblems } from '../output/report.ts';
import { showDoubts } from '../output/show-doubts.ts';

const HINT = 'For example: portcullis explain --from 203.0.113.20 --to 192.0.2.10:30001';

/** The packet that the flags ask for. */
const readRequest = ({ from, to, in: entry, state, sport }: ExplainFlags): Result<PacketRequest> => {
  if (from === undefined || to === undefined)
    return fail(error('packet-missing', 'which packet? --from and --to say it', undefined, HINT));
  const [sender, destination] = [readSender(from), readDestination(to)];
  const problems = [sender, destination].flatMap((result) => (result.ok ? [] : [...result.problems]));
  if (!sender.ok || !destination.ok) return fail(...problems);
  if (sport !== undefined && !(Number.isInteger(sport) && sport >= 1 && sport <= 65_535))
    return fail(error('port-syntax', '--sport must be a port from 1 to 65535'));
  return ok({
    from: sender.value,
    ...destination.value,
    in: entry ?? null,
    state,
    sourcePort: sport ?? null,
  });
};

export interface ExplainFlags extends DumpFlags {
  readonly from?: string;
  readonly to?: string;
  readonly in?: string;
  readonly state: (typeof STATES)[number];
  readonly sport?: number;
  readonly batch?: string;
  readonly whyNot?: string;
  readonly with?: readonly string[];
  readonly file?: readonly string[];
  readonly order?: readonly string[];
  readonly services?: readonly string[];
  readonly output: 'tree' | 'json' | 'yaml' | 'svg';
  readonly texts: boolean;
  readonly color: boolean;
}

/** `portcullis explain`: the path of a packet, hook by hook, and one sentence. */
export async function explain(this: Context, flags: ExplainFlags): Promise<void> {
  const order = readOrder(flags.order ?? []);
  const request = flags.batch === undefined ? readRequest(flags) : null;
  const problems = [order, request].flatMap((result) => (result === null || result.ok ? [] : [...result.problems]));
  if (problems.length > 0 || !order.ok) return stop(this, flags, problems);
  const services = await readServices(this, flags.services);
  if (!services.ok) return stop(this, flags, services.problems);
  const nodes = await loadNodes(this, flags);
  if (!nodes.ok) return stop(this, flags, nodes.problems);
  showDoubts(this, flags.color, nodes.warnings);
  const names = serviceNames(services.value ?? []);
  const options: SimulateOptions = { order: order.value };
  if (flags.batch !== undefined) return explainBatch(this, flags, flags.batch, nodes.value, options);
  if (request?.ok !== true) return undefined;
  const changed = await changesOf(this, flags);
  if (!changed.ok) return stop(this, flags, changed.problems);
  const answers: NodeAnswer[] = [];
  for (const node of nodes.value) {
    const packet = resolvePacket(node.ruleset, request.value);
    if (!packet.ok) return stop(this, flags, packet.problems);
    const who = whoWords(node.ruleset, request.value, names);
    const answer = (ruleset: Ruleset): NodeAnswer => {
      const trace = simulate(ruleset, packet.value, options);
      const view = traceView(trace, names);
      return { node: { ...node, ruleset }, trace, view, sentence: summarize(view, who) };
    };
    const now = answer(node.ruleset);
    if (changed.value === null) {
      answers.push(now);
      continue;
    }
    const next = changed.value(node.ruleset);
    if (!next.ok) return stop(this, flags, next.problems);
    const then = answer(next.value);
    say(this, `now:  ${now.sentence}\nthen: ${then.sentence}\n`);
    answers.push(then);
  }
  if (flags.whyNot !== undefined) return tellWhyNot(this, flags, flags.whyNot, answers);
  switch (flags.output) {
    case 'json':
    case 'yaml':
      await emitData(this, flags.output, {
        kind: 'Explanation',
        data: () =>
          answers.length === 1 && answers[0] !== undefined
            ? { node: answers[0].node.name, summary: answers[0].sentence, ...traceJson(answers[0].view) }
            : {
                nodes: answers.map(({ node, view, sentence }) => ({
                  node: node.name,
                  summary: sentence,
                  ...traceJson(view),
                })),
              },
      });
      return undefined;
    case 'svg': {
      const [only, ...more] = answers;
      if (only === undefined || more.length > 0)
        return stop(this, flags, [error('svg-nodes', 'a picture shows one node', undefined, 'Give one --snapshot')]);
      this.process.stdout.write(traceSvg(only.node.ruleset, only.view, only.sentence));
      return undefined;
    }
    case 'tree':
      for (const text of explainTrees(
        this,
        flags,
        answers.map(({ node, view, sentence }) => ({ name: node.name, lines: traceTree(view), sentence })),
      ))
        this.process.stdout.write(`${text}\n`);
  }
  return undefined;
}

interface NodeAnswer {
  readonly node: LoadedNode;
  readonly trace: Trace;
  readonly view: TraceView;
  readonly sentence: string;
}

/** What `--with` and `-f` would make of a ruleset; null: nothing is asked. */
const changesOf = async (
  context: Context,
  { with: commands, file }: ExplainFlags,
): Promise<Result<((ruleset: Ruleset) => Result<Ruleset>) | null>> => {
  if (commands === undefined && file === undefined) return ok(null);
  let table: Table | null = null;
  if (file !== undefined) {
    const wanted = await withFiles(context, EMPTY_STATE, file, {});
    const evaluated = wanted.ok ? evaluateState(wanted.value) : wanted;
    if (!evaluated.ok) return evaluated;
    table = compileTable(evaluated.value.access, null);
  }
  return ok((ruleset) => {
    let next: Result<Ruleset> = ok(table === null ? ruleset : withTable(ruleset, table));
    for (const command of commands ?? []) if (next.ok) next = withCommand(next.value, command);
    return next;
  });
};

const tellWhyNot = async (
  context: Context,
  flags: ExplainFlags,
  asked: string,
  answers: readonly NodeAnswer[],
): Promise<void> => {
  const told: { readonly node: string; readonly reasons: readonly string[] }[] = [];
  for (const { node, trace } of answers) {
    const rule = findRule(node.ruleset, trace.packet.family, asked);
    if (!rule.ok) return stop(context, flags, rule.problems);
    told.push({ node: node.name, reasons: whyNot(trace, rule.value) });
  }
  const [only, ...more] = told;
  if (flags.output === 'json' || flags.output === 'yaml')
    return emitData(context, flags.output, {
      kind: 'WhyNot',
      data: () => (only !== undefined && more.length === 0 ? { ...only } : { nodes: told }),
    });
  for (const { node, reasons } of told) {
    if (more.length > 0) context.process.stdout.write(`${node}:\n`);
    context.process.stdout.write(`${reasons.join('\n  ')}\n`);
  }
  return undefined;
};

const stop = (context: Context, flags: ExplainFlags, problems: readonly Diagnostic[]): void => {
  showProblems(context, problems, flags);
  context.process.exitCode = EXIT.usage;
};
