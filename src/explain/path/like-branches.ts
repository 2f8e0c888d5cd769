import type { TreeLine } from '../words/tree-line.ts';

const PLACEHOLDER = 'that endpoint';

/** Names and numbers that differ from one endpoint to the next, and nothing else. */
const withoutEndpoint = (text: string, endpoint: string | null): string => {
  const plain = text
    .replace(/KUBE-SEP-\w+/g, 'KUBE-SEP')
    .replace(/(endpoint-)[A-Z2-7]{8}/g, '$1')
    .replace(/affinity-[A-Z2-7]{8}\S*/g, 'affinity-…');
  return endpoint === null ? plain : plain.replaceAll(endpoint, PLACEHOLDER);
};

/** Equal for branches that differ in nothing but their endpoint. */
export const likeness = ({
  lines,
  endpoint,
}: {
  readonly lines: readonly TreeLine[];
  readonly endpoint: string | null;
}) =>
  lines
    .filter(({ kind }) => kind !== 'rule-text')
    .map(({ depth, level, head, words }) =>
      [
        depth,
        level,
        withoutEndpoint(head, null).replace(/^(KUBE-SV[CL]-\w+) \d+$/, '$1'),
        withoutEndpoint(words, endpoint).replace(/\([\d,]+ packets?\)/g, ''),
      ].join(' '),
    )
    .join('\n');

/** The lines of one branch for several: what names its own endpoint is said in general, rules that only it has are left out. */
export const generalize = (lines: readonly TreeLine[], endpoint: string): readonly TreeLine[] =>
  lines.flatMap((one) => {
    const isOwn =
      /KUBE-SEP-|(?:endpoint|affinity)-[A-Z2-7]{8}/.test(`${one.head} ${one.words}`) || one.words.includes(endpoint);
    if (!isOwn) return [one];
    if (one.kind === 'rule-text') return [];
    return [
      {
        ...one,
        head: one.head.replace(/KUBE-SEP-\w+ \d+/, 'KUBE-SEP-…').replace(/endpoint-[A-Z2-7]{8} \d+/, 'endpoint-…'),
        words: withoutEndpoint(one.words, endpoint)
          .replaceAll(/\b(KUBE-SEP|endpoint)-?:/g, '$1-…:')
          .replace(/\s+\([\d,]+ packets?\)/, ''),
      },
    ];
  });
