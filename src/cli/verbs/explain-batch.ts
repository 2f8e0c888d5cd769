import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { error, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import { readBatchLine, unmet, type BatchLine } from '../../explain/question/batch.ts';
import { resolvePacket } from '../../explain/question/resolve-packet.ts';
import { outcomeJson, packetJson } from '../../explain/path/trace-json.ts';
import { simulate, type SimulateOptions } from '../../simulate/simulate.ts';
import { EXIT, type Context } from '../output/context.ts';
import type { LoadedNode } from '../input/load-nodes.ts';
import { say, showProblems } from '../output/report.ts';

interface Answer {
  readonly told: Readonly<Record<string, unknown>>;
  readonly verdict: 'fine' | 'unmet' | 'bad';
}

const messageOf = ({ message, hint }: Diagnostic): string => (hint === undefined ? message : `${message} (${hint})`);

const answer = (read: Result<BatchLine>, { ruleset }: LoadedNode, options: SimulateOptions): Answer => {
  const packet = read.ok ? resolvePacket(ruleset, read.value.request) : read;
  if (!read.ok || !packet.ok) {
    const [problem] = packet.ok ? [] : packet.problems;
    return { told: { error: problem === undefined ? '' : messageOf(problem) }, verdict: 'bad' };
  }
  const outcomes = simulate(ruleset, packet.value, options).outcomes.map((outcome) =>
    outcomeJson(packet.value.family, outcome),
  );
  const told = { packet: packetJson(packet.value), outcomes };
  const { expect } = read.value;
  if (expect === null) return { told, verdict: 'fine' };
  const misses = unmet(expect, outcomes);
  return misses.length === 0
    ? { told: { ...told, ok: true }, verdict: 'fine' }
    : { told: { ...told, ok: false, unmet: misses }, verdict: 'unmet' };
};

/**
 * `portcullis explain --batch`: a line of JSON for each line of the batch, in order; of several nodes one for each
 * node.
 */
export const explainBatch = async (
  context: Context,
  { color }: { readonly color: boolean },
  file: string,
  nodes: readonly LoadedNode[],
  options: SimulateOptions,
): Promise<void> => {
  let text: string;
  try {
    text = file === '-' ? await context.readStdin() : readFileSync(resolve(context.cwd, file), 'utf8');
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : '';
    showProblems(context, [error('batch-unreadable', `${file} cannot be read: ${why}`)], { color });
    context.process.exitCode = EXIT.usage;
    return;
  }
  const answers = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const read = readBatchLine(line);
    return nodes.map((node) => {
      const { told, verdict } = answer(read, node, options);
      return { verdict, json: { line: index + 1, ...(nodes.length > 1 ? { node: node.name } : {}), ...told } };
    });
  });
  context.process.stdout.write(answers.map(({ json }) => `${JSON.stringify(json)}\n`).join(''));
  const count = (wanted: Answer['verdict']): number => answers.filter(({ verdict }) => verdict === wanted).length;
  const failed = count('unmet');
  if (failed > 0) say(context, `${failed} of ${answers.length} packets do not do what was expected`);
  context.process.exitCode = count('bad') > 0 ? EXIT.usage : failed > 0 ? EXIT.found : EXIT.fine;
};
