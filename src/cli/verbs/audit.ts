import { createHash } from 'node:crypto';
import { auditDifference, type ReachChange } from '../../audit/reach/audit-difference.ts';
import { auditRuleset, type Audited } from '../../audit/reach/audit.ts';
import { findAll } from '../../audit/findings/find-all.ts';
import { FINDING_IDS, type Finding } from '../../audit/findings/finding.ts';
import { serviceNames } from '../../audit/exposures/service-names.ts';
import { error, fail, ok, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import { auditedJson, entryText, reachWords, refusedBy } from '../../explain/access/audit-words.ts';
import { readOrder } from '../../explain/question/read-order.ts';
import { namedSets } from '../../explain/words/named-sets.ts';
import { describeSources } from '../../explain/words/sources.ts';
import { nobody } from '../../net/address-set.ts';
import { isEmpty, type PrefixSet } from '../../net/prefix-set.ts';
import { rangeTexts } from '../../net/range-text.ts';
import { refText } from '../../lower/rule-ref.ts';
import { columns } from '../output/columns.ts';
import { EXIT, type Context } from '../output/context.ts';
import { loadNodes, type LoadedNode } from '../input/load-nodes.ts';
import { readServices } from '../input/read-services.ts';
import { emit, paint, showProblems, type OutputFlags } from '../output/report.ts';
import type { DumpFlags } from '../input/dump-flags.ts';
import { showDoubts } from '../output/show-doubts.ts';

interface Answer {
  readonly node: LoadedNode;
  readonly audited: readonly Audited[];
  readonly findings: readonly Finding[];
}

const readPorts = (texts: readonly string[] | undefined): Result<ReadonlySet<number> | null> => {
  if (texts === undefined) return ok(null);
  const wrong = texts.find((text) => !/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535);
  return wrong === undefined
    ? ok(new Set(texts.map(Number)))
    : fail(error('port-syntax', `${JSON.stringify(wrong)} is not a port`, undefined, 'Write --port 30001,30002'));
};

const readFailOn = (names: readonly string[] | undefined): Result<ReadonlySet<string>> => {
  const known: ReadonlySet<string> = new Set([...FINDING_IDS, 'any']);
  const wrong = (names ?? []).filter((name) => !known.has(name));
  return wrong.length === 0
    ? ok(new Set(names ?? []))
    : fail(
        error(
          'finding-unknown',
          `there is no finding ${wrong.join(', ')}`,
          undefined,
          `There are: any, ${FINDING_IDS.join(', ')}`,
        ),
      );
};

const familyWords = (set: PrefixSet): string =>
  describeSources(set.family === 4 ? { ...nobody, v4: set } : { ...nobody, v6: set });

export interface AuditFlags extends OutputFlags, DumpFlags {
  readonly entry?: readonly string[];
  readonly port?: readonly string[];
  readonly all: boolean;
  readonly order?: readonly string[];
  readonly services?: readonly string[];
  readonly failOn?: readonly string[];
  readonly diff: boolean;
}

/** `portcullis audit`: who can reach what, and what is worth telling. */
export async function audit(this: Context, flags: AuditFlags, ...snapshots: string[]): Promise<void> {
  const [order, ports, failOn, services] = [
    readOrder(flags.order ?? []),
    readPorts(flags.port),
    readFailOn(flags.failOn),
    await readServices(this, flags.services),
  ];
  const problems = [order, ports, failOn, services].flatMap((result) => (result.ok ? [] : [...result.problems]));
  if (snapshots.length > 0 !== flags.diff || (flags.diff && snapshots.length !== 2))
    problems.push(
      error(
        'diff-two',
        flags.diff ? '--diff compares two snapshots' : 'snapshots are given with --snapshot',
        undefined,
        'portcullis audit --diff BEFORE AFTER',
      ),
    );
  if (problems.length > 0 || !order.ok || !ports.ok || !failOn.ok || !services.ok) {
    showProblems(this, problems, flags);
    this.process.exitCode = EXIT.usage;
    return;
  }
  const nodes = await loadNodes(this, flags.diff ? { snapshot: snapshots } : flags);
  if (!nodes.ok) {
    showProblems(this, nodes.problems, flags);
    this.process.exitCode = EXIT.usage;
    return;
  }
  showDoubts(this, flags.color, nodes.warnings);
  const options = {
    order: order.value,
    entries: flags.entry ?? null,
    ports: ports.value,
    all: flags.all,
    services: services.value ?? [],
  };
  const answers = nodes.value.map((node): Answer => {
    const audited = auditRuleset(node.ruleset, options);
    const findings = flags.diff
      ? []
      : findAll({
          ruleset: node.ruleset,
          audited,
          servicePorts: services.value === null ? null : new Set(serviceNames(services.value).keys()),
          options: { order: order.value },
        });
    return { node, audited, findings };
  });
  if (flags.diff) return tellDifference(this, flags, answers);
  await tell(this, flags, answers, nodes.warnings);
  const failing = answers.some(({ findings }) =>
    findings.some(({ id }) => failOn.value.has(id) || failOn.value.has('any')),
  );
  this.process.exitCode = failing ? EXIT.found : EXIT.fine;
}

const SEVERITY = { high: 'red', medium: 'yellow', low: 'gray' } as const;

const MOST_OF_A_KIND = 3;

const findingLines = (
  context: Context,
  flags: AuditFlags,
  findings: readonly Finding[],
  most: number,
): readonly string[] => {
  const told = new Map<string, number>();
  const lines = findings.flatMap(({ id, severity, ref, reason, cure }) => {
    const before = told.get(id) ?? 0;
    told.set(id, before + 1);
    if (before >= most) return [];
    return [
      `${paint(context, 'out', flags.color, SEVERITY[severity], severity.padEnd(6))}  ${id}${ref === null ? '' : `: ${refText(ref)}`}`,
      ...(ref === null || ref.text === '' ? [] : [`        ${ref.text}`]),
      `        ${reason}`,
      `        ${cure}`,
    ];
  });
  const more = [...told].filter(([, count]) => count > most).map(([id, count]) => `${count - most} more ${id}`);
  return more.length === 0 ? lines : [...lines, `        and ${more.join(', ')} (-o wide shows all)`];
};

/** What was read, so that a report can be traced to its dumps. */
const inputsJson = ({ inputs, sources }: LoadedNode, warnings: readonly Diagnostic[]) =>
  inputs.map(({ file, kind, tables }) => {
    const text = sources.find(({ name }) => name === file)?.text;
    const flavours = [...new Set((tables ?? []).map(({ engine }) => engine))];
    return {
      file,
      kind,
      sha256: text === undefined ? null : createHash('sha256').update(text).digest('hex'),
      flavour: flavours.length === 0 ? null : flavours.join(', '),
      warnings: warnings.filter(({ source }) => source?.name === file).map(({ message }) => message),
    };
  });

const tell = async (
  context: Context,
  flags: AuditFlags,
  answers: readonly Answer[],
  warnings: readonly Diagnostic[],
): Promise<void> => {
  const text = (wide: boolean): string =>
    answers
      .map(({ node, audited, findings }) =>
        [
          ...(answers.length > 1 ? [`${node.name}:`] : []),
          ...(audited.length === 0
            ? [
                `no exposed port was found${flags.all ? '' : '; listening sockets, and ports that other rules publish, are shown with --all'}`,
              ]
            : [
                columns([
                  ['EXPOSURE', 'SERVICE', '', 'BY', 'WHO CAN REACH IT', 'REFUSED BY'],
                  ...audited.map((one) => [
                    one.exposure.id,
                    one.exposure.service ?? '-',
                    `IPv${one.exposure.family}`,
                    [one.entry, ...one.entriesSame].map(entryText).join(', '),
                    reachWords(one, wide ? 1000 : 3),
                    refusedBy(one),
                  ]),
                ]),
              ]),
          '',
          ...findingLines(context, flags, findings, wide ? Infinity : MOST_OF_A_KIND),
          findings.length === 0
            ? 'nothing found that is worth telling'
            : `${findings.length} finding${findings.length === 1 ? '' : 's'}, ${findings.filter(({ severity }) => severity === 'high').length} of them high`,
        ].join('\n'),
      )
      .join('\n\n');
  const nodeJson = ({ node, audited, findings }: Answer) => {
    const { nameOf, all } = namedSets();
    return {
      node: node.name,
      inputs: inputsJson(node, warnings),
      exposures: oneByOne(audited, (one) => auditedJson(one, nameOf)),
      findings,
      // Comes last, when every set has its name.
      get sets() {
        return all();
      },
    };
  };
  const [only] = answers;
  await emit(context, flags, {
    kind: 'Audit',
    data: () => (answers.length === 1 && only !== undefined ? nodeJson(only) : { nodes: oneByOne(answers, nodeJson) }),
    text,
  });
};

/** A list whose items are made while it is gone through. */
const oneByOne = <From, To>(list: readonly From[], make: (one: From) => To): Iterable<To> => ({
  *[Symbol.iterator]() {
    for (const one of list) yield make(one);
  },
});

const changeRows = ({ id, family, service, gained, lost, only }: ReachChange): string[][] =>
  [
    { sign: '+', set: gained },
    { sign: '-', set: lost },
  ].flatMap(({ sign, set }) =>
    isEmpty(set)
      ? []
      : [[`${id} IPv${family}`, sign, familyWords(set), service ?? '', only === null ? '' : `only ${only}`]],
  );

const tellDifference = async (context: Context, flags: AuditFlags, answers: readonly Answer[]): Promise<void> => {
  const changes = auditDifference(answers[0]?.audited ?? [], answers[1]?.audited ?? []);
  await emit(context, flags, {
    kind: 'AuditDifference',
    data: () => ({
      changes: changes.map(({ gained, lost, ...change }) => ({
        ...change,
        gained: rangeTexts(gained),
        lost: rangeTexts(lost),
      })),
    }),
    text: () =>
      changes.length === 0
        ? 'the same sources reach the same ports'
        : [
            columns(changes.flatMap(changeRows)),
            `${changes.length} exposure${changes.length === 1 ? '' : 's'} changed`,
          ].join('\n'),
  });
  context.process.exitCode = changes.length === 0 ? EXIT.fine : EXIT.found;
};
