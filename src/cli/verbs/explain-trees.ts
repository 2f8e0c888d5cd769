import { diff } from 'node:util';
import { printTree, type TreeLine } from '../../explain/words/tree-line.ts';
import type { Context } from '../output/context.ts';
import { paint } from '../output/report.ts';

/** What the packet does on one node. */
export interface NodeTree {
  readonly name: string;
  readonly lines: readonly TreeLine[];
  readonly sentence: string;
}

interface Flags {
  readonly texts: boolean;
  readonly color: boolean;
}

const plainly = (_kind: TreeLine['kind'], text: string): string => text;

/**
 * One tree; of several nodes the first, and of the others what is different there. Nodes that do the same are named
 * together.
 */
export const explainTrees = (context: Context, flags: Flags, answers: readonly NodeTree[]): readonly string[] => {
  const colour = (kind: TreeLine['kind'], text: string): string =>
    kind === 'rule-text'
      ? paint(context, 'out', flags.color, 'gray', text)
      : kind === 'hook' || kind === 'route'
        ? paint(context, 'out', flags.color, 'bold', text)
        : text;
  const whole = ({ lines, sentence }: NodeTree): string =>
    `${sentence}\n\n${printTree(lines, { texts: flags.texts, paint: colour })}`;
  const [first, ...others] = answers;
  if (first === undefined) return [];
  if (others.length === 0) return [whole(first)];
  const groups = new Map<string, { readonly names: string[]; readonly answer: NodeTree; readonly tree: string }>();
  for (const answer of answers) {
    // No two nodes count alike.
    const tree = printTree(answer.lines, { texts: false, counts: false, paint: plainly });
    const known = groups.get(tree);
    if (known === undefined) groups.set(tree, { names: [answer.name], answer, tree });
    else known.names.push(answer.name);
  }
  const [standard, ...rest] = groups.values();
  if (standard === undefined) return [];
  return [
    `${standard.names.join(', ')}:\n${whole(standard.answer)}\n`,
    ...rest.map(({ names, answer, tree }) => {
      const changed = difference(standard.tree.split('\n'), tree.split('\n'));
      return changed === null
        ? `${names.join(', ')}: another way\n${whole(answer)}\n`
        : `${names.join(', ')}: the same as ${standard.names[0] ?? ''}, but for this\n${answer.sentence}\n\n${changed
            .map((line) =>
              line.startsWith('+')
                ? paint(context, 'out', flags.color, 'green', line)
                : line.startsWith('-')
                  ? paint(context, 'out', flags.color, 'red', line)
                  : line,
            )
            .join('\n')}\n`;
    }),
  ];
};

/** Where more of the lines differ than this, the two ways have little in common. */
const MOST_DIFFERENT = 0.6;

/**
 * The lines that only the one (`-`) or only the other (`+`) has, below the last line in front of them that both have;
 * null: they have little in common.
 */
const difference = (one: readonly string[], other: readonly string[]): readonly string[] | null => {
  const entries = diff(one, other);
  const changes = entries.filter(([side]) => side !== 0).length;
  if (changes > MOST_DIFFERENT * entries.length) return null;
  return entries.flatMap(([side, text], index) => {
    if (side !== 0) return [`${side > 0 ? '-' : '+'} ${text}`];
    const next = entries[index + 1];
    return next !== undefined && next[0] !== 0 ? [`  ${text}`] : [];
  });
};
