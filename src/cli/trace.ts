import { error, fail, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { kernelTree } from '../explain/kernel-tree.ts';
import { readDestination, readSender } from '../explain/packet-request.ts';
import { resolvePacket } from '../explain/resolve-packet.ts';
import { printTree } from '../explain/tree-line.ts';
import { whoWords } from '../explain/who-words.ts';
import { collectFacts } from '../kernel/facts.ts';
import { TRACER, traceFlow } from '../kernel/trace-flow.ts';
import { formatAddress, type Address } from '../net/address.ts';
import { ranges } from '../net/prefix-set.ts';
import { agreement, kernelHops } from '../simulate/agreement.ts';
import type { PacketSet } from '../simulate/packet-set.ts';
import { simulate } from '../simulate/simulate.ts';
import { EXIT, type Context } from './context.ts';
import { loadNodes } from './load-nodes.ts';
import { readDuration } from './read-arguments.ts';
import { emitData, paint, say, showProblems } from './report.ts';

export interface TraceFlags {
  readonly from: string;
  readonly to: string;
  readonly in?: string;
  readonly wait: string;
  readonly texts: boolean;
  readonly output: 'tree' | 'json' | 'yaml';
  readonly color: boolean;
}

const sourceOf = ({ family, sources }: PacketSet): Address | null => {
  const [first] = ranges(sources);
  return first === undefined ? null : { family, value: first.first };
};

/** `portcullis trace`: what the kernel itself tells about one packet, beside the simulation. */
export async function trace(this: Context, flags: TraceFlags): Promise<void> {
  const stop = (status: number, problems: readonly Diagnostic[]): void => {
    showProblems(this, problems, flags.color);
    this.process.exitCode = status;
  };
  const [sender, destination, wait] = [
    readSender(flags.from),
    readDestination(flags.to),
    readDuration('--wait', flags.wait),
  ];
  const problems = [sender, destination, wait].flatMap((result) => (result.ok ? [] : [...result.problems]));
  if (!sender.ok || !destination.ok || !wait.ok) return stop(EXIT.usage, problems);
  const { mayAdministrate } = await collectFacts();
  if (!mayAdministrate)
    return stop(EXIT.kernel, [
      error('not-root', 'tracing is switched on by root alone', undefined, 'Run it with sudo'),
    ]);
  const nodes = await loadNodes(this, {});
  const [node] = nodes.ok ? nodes.value : [];
  if (!nodes.ok || node === undefined) return stop(EXIT.kernel, nodes.ok ? [] : nodes.problems);
  const request = {
    from: sender.value,
    ...destination.value,
    in: flags.in ?? null,
    state: 'new' as const,
    sourcePort: null,
  };
  const packet = resolvePacket(node.ruleset, request);
  if (!packet.ok) return stop(EXIT.usage, packet.problems);
  const source = sourceOf(packet.value);
  if (source === null) return stop(EXIT.usage, fail(error('source-unknown', 'the source is not known')).problems);

  const abort = new AbortController();
  const onSignal = (): void => abort.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const fromNode = sender.value.kind === 'node';
  const traced = await traceFlow(
    { source, destination: request.to, protocol: request.protocol, port: request.port, fromNode },
    wait.value,
    abort.signal,
    () => say(this, `waiting for a packet from ${formatAddress(source)} to ${flags.to} …`),
  );
  process.removeListener('SIGINT', onSignal);
  process.removeListener('SIGTERM', onSignal);
  if (!traced.ok) return stop(EXIT.kernel, traced.problems);
  if (traced.value.length === 0) {
    say(
      this,
      `no packet of that flow came ${abort.signal.aborted ? 'before the interruption' : `within ${flags.wait}`}; tracing is off again`,
    );
    this.process.exitCode = EXIT.found;
    return;
  }
  const simulated = simulate(node.ruleset, packet.value);
  const hops = kernelHops(traced.value, (family, table) => family === TRACER.family && table === TRACER.table);
  const compared = agreement(simulated, hops, true);
  const legacy = node.ruleset.tables.some(
    ({ engine, chains }) => engine === 'iptables-legacy' && [...chains.values()].some(({ rules }) => rules.length > 0),
  );
  const verdict = compared.agrees ? 'the simulation says the same' : `the simulation differs: ${compared.difference}`;
  if (flags.output !== 'tree')
    return emitData(this, flags.output, {
      kind: 'Trace',
      data: {
        who: whoWords(node.ruleset, request),
        events: traced.value,
        agrees: compared.agrees,
        ...(compared.agrees ? {} : { difference: compared.difference }),
      },
    });
  const lines = kernelTree(node.ruleset, traced.value);
  const tree = printTree(lines, {
    texts: flags.texts,
    paint: (kind, text) =>
      kind === 'rule-text'
        ? paint(this, 'out', flags.color, 'gray', text)
        : kind === 'hook'
          ? paint(this, 'out', flags.color, 'bold', text)
          : text,
  });
  this.process.stdout.write(`${whoWords(node.ruleset, request)}, as the kernel told it:\n\n${tree}\n\n${verdict}\n`);
  if (legacy)
    say(
      this,
      'legacy iptables tells its way to the log only (its chains are not in this tree): portcullis explain shows them',
    );
  this.process.exitCode = compared.agrees ? EXIT.fine : EXIT.found;
  return undefined;
}
