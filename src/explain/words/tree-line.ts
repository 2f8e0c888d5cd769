/** A line of the tree: how deep it stands, what stands in front, and what it says. */
export interface TreeLine {
  /** Forks around it. */
  readonly depth: number;
  /** Chains around it, below the base chain. */
  readonly level: number;
  /** hook: a new hook begins. rule-text: the rule as its own tool writes it. */
  readonly kind: 'hook' | 'rule' | 'rule-text' | 'route' | 'fork' | 'branch' | 'end';
  readonly head: string;
  readonly words: string;
}

export const line = (kind: TreeLine['kind'], depth: number, head: string, words: string, level = 0): TreeLine => ({
  kind,
  depth,
  level,
  head,
  words,
});

const HEAD = 12;

/** The tree as text. `paint` colours a line's part; rules' own text is left out where `texts` is false. */
export const printTree = (
  lines: readonly TreeLine[],
  { texts, paint }: { readonly texts: boolean; readonly paint: (kind: TreeLine['kind'], text: string) => string },
): string =>
  lines
    .filter(({ kind }) => texts || kind !== 'rule-text')
    .map(({ depth, level, kind, head, words }) => {
      const margin = '    '.repeat(depth);
      if (kind === 'hook' || kind === 'route') return `${margin}${paint(kind, head.padEnd(HEAD))}${words}`.trimEnd();
      const inset = kind === 'end' ? '' : kind === 'branch' ? '  ' : ' '.repeat(HEAD + 2) + '  '.repeat(level);
      return `${margin}${inset}${paint(kind, [head, words].filter(Boolean).join('  '))}`;
    })
    .join('\n');
