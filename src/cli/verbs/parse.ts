import type { Diagnostic } from '../../diagnostic/diagnostic.ts';
import { diagnosticJson } from '../../diagnostic/render.ts';
import { readDumps, type ReadInput } from '../../parse/read-dumps.ts';
import { isSnapshotText, readSnapshot, snapshotSources } from '../../parse/snapshot.ts';
import { grouped } from '../../explain/words/number-words.ts';
import { columns } from '../output/columns.ts';
import { EXIT, type Context } from '../output/context.ts';
import { readDumpFiles } from '../input/read-dump-files.ts';
import { emit, showProblems, type OutputFlags } from '../output/report.ts';

const share = (rules: number | undefined, understood: number | undefined): string =>
  rules === undefined || rules === 0 ? '' : `${((100 * (understood ?? 0)) / rules).toFixed(1)} %`;

/** Why a file tells nothing that another one beside it does not tell better; null: it does. */
const repeats = (input: ReadInput, all: readonly ReadInput[]): string | null => {
  if (input.kind === 'nft-text' && all.some(({ kind }) => kind === 'nft-json')) return 'the JSON form tells the same';
  if (input.kind !== 'nft-json' && input.kind !== 'nft-text') return null;
  const saved = new Set(
    all
      .filter(({ kind }) => kind === 'iptables')
      .flatMap(({ tables }) => (tables ?? []).filter(({ engine }) => engine === 'iptables-nft'))
      .map(({ family, name }) => `${family} ${name}`),
  );
  // nft leaves out of iptables' own rules what it cannot say in its own words.
  return (input.tables ?? []).some(({ family, name }) => saved.has(`${family} ${name}`))
    ? 'iptables-save tells the same rules whole'
    : null;
};

const row = (input: ReadInput, all: readonly ReadInput[]): string[] => [
  input.file,
  input.kind ?? 'not a dump that is known',
  input.rules === undefined ? '' : grouped(input.rules),
  share(input.rules, input.understood),
  repeats(input, all) ??
    (input.redacted === undefined || input.redacted === 0 ? '' : `${input.redacted} with hidden values`),
];

/** Rules, each once, and how many of them are understood. */
const countRules = (inputs: readonly ReadInput[]): { readonly rules: number; readonly understood: number } => {
  const own = inputs.filter((input) => repeats(input, inputs) === null);
  return {
    rules: own.reduce((sum, { rules }) => sum + (rules ?? 0), 0),
    understood: own.reduce((sum, { understood }) => sum + (understood ?? 0), 0),
  };
};

/**
 * `portcullis parse FILE…`: counts, diagnostics, and the share of rules that is understood. Each file or folder stands
 * for itself.
 */
export async function parse(this: Context, flags: OutputFlags, ...files: string[]): Promise<void> {
  const inputs: { readonly input: ReadInput; readonly beside: readonly ReadInput[] }[] = [];
  const warnings: Diagnostic[] = [];
  const problems: Diagnostic[] = [];
  const total = { rules: 0, understood: 0 };
  for (const file of files) {
    const sources = readDumpFiles(this.cwd, [file]);
    const [first] = sources.ok ? sources.value : [];
    const snapshot = first !== undefined && isSnapshotText(first.text) ? readSnapshot(first) : null;
    const texts = snapshot?.ok === true ? snapshotSources(snapshot.value) : sources.ok ? sources.value : [];
    const read = readDumps(texts);
    problems.push(...[sources, snapshot ?? read, read].flatMap((result) => (result.ok ? [] : result.problems)));
    if (!read.ok) continue;
    warnings.push(...read.warnings);
    const { rules, understood } = countRules(read.value.inputs);
    total.rules += rules;
    total.understood += understood;
    inputs.push(...read.value.inputs.map((input) => ({ input, beside: read.value.inputs })));
  }
  const known = inputs.filter(({ input }) => input.kind !== null);
  const shown = inputs.length > files.length ? known : inputs;
  showProblems(this, [...new Set(problems), ...warnings], flags);
  await emit(this, flags, {
    kind: 'Parsed',
    data: () => ({
      inputs: inputs.map(({ input: { file, kind, rules, understood, redacted } }) => ({
        file,
        kind,
        ...(rules === undefined ? {} : { rules, understood, redacted }),
      })),
      ...total,
      diagnostics: [...new Set(problems), ...warnings].map(diagnosticJson),
    }),
    text: () =>
      [
        columns(
          [['FILE', 'DUMP', 'RULES', 'UNDERSTOOD', ''], ...shown.map(({ input, beside }) => row(input, beside))],
          [2, 3],
        ),
        total.rules === 0
          ? `${known.length} dump${known.length === 1 ? '' : 's'}, no rules`
          : `${grouped(total.understood)} of ${grouped(total.rules)} rules understood (${share(total.rules, total.understood)})`,
      ].join('\n'),
  });
  if (known.length === 0 || problems.length > 0) this.process.exitCode = EXIT.usage;
}
