import { error, fail, type Diagnostic } from '../../diagnostic/diagnostic.ts';
import { kernelTree } from '../../explain/path/kernel-tree.ts';
import { readDestination, readSender } from '../../explain/question/packet-request.ts';
import { resolvePacket } from '../../explain/question/resolve-packet.ts';
import { printTree } from '../../explain/words/tree-line.ts';
import { whoWords } from '../../explain/question/who-words.ts';
import { collectFacts } from '../../kernel/facts.ts';
import { traceFlow } from '../../kernel/trace-flow.ts';
import { formatAddress, type Address } from '../../net/address.ts';
import { ranges } from '../../net/prefix-set.ts';
import { hasRules } from '../../ruleset/ruleset.ts';
import { compareWays } from '../../kernel-trace/compare-ways.ts';
import type { PacketSet } from '../../simulate/state/packet-set.ts';
import { EXIT, type Context } from '../output/context.ts';
import { loadNodes } from '../input/load-nodes.ts';
import { readDuration } from '../input/read-arguments.ts';
import { emitData, paint, say, showProblems } from '../output/report.ts';

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

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Does something that cleans up after itself: a signal asks it to end, and a second one does not keep it from that. */
const uninterrupted = async <T>(work: (signal: AbortSignal) => Promise<T>) => {
  const abort = new AbortController();
  const onSignal = (): void => abort.abort();
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return { result: await work(abort.signal), interrupted: abort.signal.aborted };
  } finally {
    for (const name of SIGNALS) process.removeListener(name, onSignal);
  }
};

/** `portcullis trace`: what the kernel itself tells about one packet, beside the simulation. */
export async function trace(this: Context, flags: TraceFlags): Promise<void> {
  const stop = (status: number, problems: readonly Diagnostic[]): void => {
    showProblems(this, problems, flags);
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

  const traced = await uninterrupted((signal) =>
    traceFlow(
      {
        source,
        destination: request.to,
        protocol: request.protocol,
        port: request.port,
        fromNode: sender.value.kind === 'node',
      },
      {
        waitMs: wait.value,
        signal,
        legacy: hasRules(node.ruleset, 'iptables-legacy'),
        ready: () => say(this, `waiting for a packet from ${formatAddress(source)} to ${flags.to} …`),
      },
    ),
  );
  if (!traced.result.ok) return stop(EXIT.kernel, traced.result.problems);
  if (traced.result.value === null) {
    const until = traced.interrupted ? 'before the interruption' : `within ${flags.wait}`;
    say(this, `no packet of that flow came ${until}; tracing is off again`);
    this.process.exitCode = EXIT.found;
    return;
  }
  const { legacyMissing, sourcePort } = traced.result.value;
  const asNew = compareWays(node.ruleset, packet.value, traced.result.value);
  // The first packet that is seen may belong to a connection that was there before.
  const asEstablished = asNew.compared.agrees
    ? null
    : compareWays(node.ruleset, { ...packet.value, state: 'established', sourcePort }, traced.result.value);
  const isOld = asEstablished?.compared.agrees === true;
  const { hops, compared } = isOld ? asEstablished : asNew;
  const unheard =
    legacyMissing === null
      ? null
      : `the chains of legacy iptables are missing here, because ${legacyMissing}; portcullis explain shows them`;
  if (unheard !== null) say(this, unheard);
  if (flags.output !== 'tree')
    return emitData(this, flags.output, {
      kind: 'Trace',
      data: () => ({
        who: whoWords(node.ruleset, request),
        events: hops.flatMap(({ entered, events }) => (entered === null ? events : [entered, ...events])),
        state: isOld ? 'established' : 'new',
        agrees: compared.agrees,
        ...(compared.agrees ? {} : { difference: compared.difference }),
        ...(unheard === null ? {} : { missing: unheard }),
      }),
    });
  const verdict = isOld
    ? 'the simulation says the same: it is a packet of a connection that was there before'
    : compared.agrees
      ? `the simulation says the same${compared.gaveUp ? ' as far as it goes: then too many rules cannot be told' : ''}`
      : `the simulation differs: ${compared.difference}`;
  const tree = printTree(kernelTree(node.ruleset, hops), {
    texts: flags.texts,
    paint: (kind, text) =>
      kind === 'rule-text'
        ? paint(this, 'out', flags.color, 'gray', text)
        : kind === 'hook'
          ? paint(this, 'out', flags.color, 'bold', text)
          : text,
  });
  this.process.stdout.write(`${whoWords(node.ruleset, request)}, as the kernel told it:\n\n${tree}\n\n${verdict}\n`);
  this.process.exitCode = compared.agrees ? EXIT.fine : EXIT.found;
  return undefined;
}
