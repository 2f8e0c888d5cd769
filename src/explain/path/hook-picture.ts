import type { Family } from '../../net/family.ts';
import type { Hook } from '../../ruleset/hook.ts';
import { coversFamily } from '../../ruleset/hook.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { AnyChain, AnyTable } from '../../ruleset/table.ts';
import { shortChain } from '../../kube-proxy/names.ts';
import { endpointText } from '../words/endpoint-text.ts';
import { ruleDeeds } from './step-words.ts';
import type { NodeView, StepView, TraceView } from './trace-view.ts';

/** A base chain, or IPVS, as a row of its hook's box. */
export interface PictureRow {
  readonly title: string;
  readonly priority: number;
  readonly visited: boolean;
  /** What happened there, one line each. */
  readonly notes: readonly string[];
}

export type PictureHooks = Readonly<Record<Hook, readonly PictureRow[]>>;

const MOST_NOTES = 5;

const notesOf = (family: Family, step: StepView): readonly string[] => {
  if (step.kind === 'policy') return step.verdict === 'drop' ? ['policy: DROP'] : [];
  if (step.kind !== 'rule') return [];
  const decides = step.verdict?.kind === 'drop' || step.verdict?.kind === 'reject' || step.verdict?.kind === 'accept';
  const rewrites = step.effects.some(({ kind }) => kind === 'nat');
  const marks = step.effects.some((effect) => effect.kind === 'mark' && effect.from !== effect.to);
  return decides || rewrites || marks ? ruleDeeds(family, step) : [];
};

const keyOf = (table: AnyTable, chain: AnyChain): string =>
  `${table.engine} ${table.family} ${table.name} ${chain.name}`;

/**
 * What each hook's box shows: all base chains in the order in which they run. Those on the way are lit and show what
 * they did.
 */
export const hookPicture = ({ tables }: Ruleset, view: TraceView): PictureHooks => {
  const { family } = view.packet;
  const notes = new Map<string, Set<string>>();
  const ipvs = new Map<Hook, Set<string>>();
  // A fork can be in the middle of a hop. Each of its branches then goes on in the chain in which it began.
  const visit = ({ steps, next }: NodeView, inside: string | null): void => {
    let open = inside;
    for (const step of steps) {
      if (step.kind === 'hop' && step.at.kind === 'rule') {
        open = keyOf(step.at.table, step.at.chain);
        if (!notes.has(open)) notes.set(open, new Set());
      } else if (step.kind === 'ipvs') {
        const found = ipvs.get(step.hook) ?? new Set<string>();
        ipvs.set(step.hook, found);
        if (step.to !== null) found.add(`destination becomes ${endpointText(family, step.to)}`);
      } else if (open !== null) for (const note of notesOf(family, step)) notes.get(open)?.add(note);
    }
    if (next.kind === 'fork') for (const { node } of next.branches) visit(node, open);
  };
  visit(view.root, null);
  const rows = (hook: Hook): readonly PictureRow[] => [
    ...tables.flatMap((table) =>
      coversFamily(table.family, family)
        ? [...table.chains.values()].flatMap((chain): PictureRow[] => {
            if (chain.base?.hook !== hook) return [];
            const said = notes.get(keyOf(table, chain));
            const found = [...(said ?? [])];
            return [
              {
                title: `${table.name} ${shortChain(chain.name)}`,
                priority: chain.base.priority,
                visited: said !== undefined,
                notes:
                  found.length > MOST_NOTES
                    ? [...found.slice(0, MOST_NOTES - 1), `and ${found.length - MOST_NOTES + 1} more`]
                    : found,
              },
            ];
          })
        : [],
    ),
    ...[...(ipvs.get(hook) ?? [])].slice(0, 1).map((note) => {
      const all = ipvs.get(hook)?.size ?? 1;
      return {
        title: 'IPVS',
        priority: 99,
        visited: true,
        notes: [all === 1 ? note : `one of ${all} endpoints`],
      };
    }),
  ];
  const inOrder = (hook: Hook): readonly PictureRow[] => rows(hook).toSorted((a, b) => a.priority - b.priority);
  return {
    prerouting: inOrder('prerouting'),
    input: inOrder('input'),
    forward: inOrder('forward'),
    output: inOrder('output'),
    postrouting: inOrder('postrouting'),
  };
};
