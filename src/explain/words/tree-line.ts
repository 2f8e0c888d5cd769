import { grouped } from './number-words.ts';

/** A line of the tree: how far it is indented, what is in front, and what it says. */
export interface TreeLine {
  /** The number of forks around it. */
  readonly depth: number;
  /** The number of chains around it, below the base chain. */
  readonly level: number;
  /** hook: a new hook begins. rule-text: the rule as its own tool writes it. */
  readonly kind: 'hook' | 'rule' | 'rule-text' | 'route' | 'fork' | 'branch' | 'end';
  readonly head: string;
  readonly words: string;
  /**
   * How often a rule has matched by the kernel's count; null: the dump does not show it, or the line is not about a
   * rule.
   */
  readonly packets: bigint | null;
}

export const line = (
  kind: TreeLine['kind'],
  depth: number,
  head: string,
  words: string,
  level = 0,
  packets: bigint | null = null,
): TreeLine => ({ kind, depth, level, head, words, packets });

const countWords = (packets: bigint): string => `   (${grouped(packets)} packet${packets === 1n ? '' : 's'})`;

const HEAD = 12;

/**
 * The tree as text. `paint` colours a part of a line. `texts`: with the rules' own text. `counts`: with how often they
 * matched.
 */
export const printTree = (
  lines: readonly TreeLine[],
  {
    texts,
    counts = true,
    paint,
  }: {
    readonly texts: boolean;
    readonly counts?: boolean;
    readonly paint: (kind: TreeLine['kind'], text: string) => string;
  },
): string =>
  lines
    .filter(({ kind }) => texts || kind !== 'rule-text')
    .map(({ depth, level, kind, head, words, packets }) => {
      const margin = '    '.repeat(depth);
      if (kind === 'hook' || kind === 'route') return `${margin}${paint(kind, head.padEnd(HEAD))}${words}`.trimEnd();
      const inset = kind === 'end' ? '' : kind === 'branch' ? '  ' : ' '.repeat(HEAD + 2) + '  '.repeat(level);
      const counted = packets === null || !counts ? '' : countWords(packets);
      return `${margin}${inset}${paint(kind, `${[head, words].filter(Boolean).join('  ')}${counted}`)}`;
    })
    .join('\n');
