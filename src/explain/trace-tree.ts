import { formatAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { refOf, type Place } from '../simulate/place.ts';
import type { Assumption } from '../simulate/outcome.ts';
import type { Trace, TraceNode, TraceStep } from '../simulate/trace.ts';
import { flatten, targetOf } from './branches.ts';
import { chainPurpose, shortChain } from './chain-purpose.ts';
import { countWord, fractionText, sumOf } from './number-words.ts';
import { outcomeWords } from './outcome-words.ts';
import { packetsOf, ruleWords } from './step-words.ts';
import { endpointText } from './trace-json.ts';

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

interface Drawing {
  readonly family: Family;
  readonly trace: Trace;
  readonly lines: TreeLine[];
  /** How deep each chain of the present hop stands below its base chain. */
  chains: Map<string, number>;
  hook: string;
}

const line = (kind: TreeLine['kind'], depth: number, head: string, words: string, level = 0): TreeLine => ({
  kind,
  depth,
  level,
  head,
  words,
});

/** The name of a hook stands in front of its first line only. */
const hookHead = (drawing: Drawing, hook: string): string => {
  const same = drawing.hook === hook;
  drawing.hook = hook;
  return same ? '' : hook;
};

const chainTitle = (at: Place): string =>
  at.kind === 'rule' ? `${at.table.family} ${at.table.name} ${shortChain(at.chain.name)}` : '';

const hopLine = (drawing: Drawing, step: Extract<TraceStep, { kind: 'hop' }>, depth: number, silent: string | null) => {
  const { at } = step;
  const type = at.kind === 'rule' ? (at.chain.base?.type ?? '') : '';
  drawing.chains = new Map(at.kind === 'rule' ? [[at.chain.name, 0]] : []);
  const purpose = at.kind === 'rule' ? chainPurpose(at.table, at.chain.name) : null;
  const words = `${type.padEnd(7)}${chainTitle(at)}`;
  const said = silent ?? purpose;
  drawing.lines.push(
    line('hook', depth, hookHead(drawing, step.hook), said === null ? words : `${words.padEnd(46)} ${said}`),
  );
};

const ruleLines = (
  drawing: Drawing,
  step: Extract<TraceStep, { kind: 'rule' }>,
  depth: number,
  following: TraceStep | undefined,
): void => {
  const { at, verdict } = step;
  if (at.kind !== 'rule') return;
  const level = drawing.chains.get(at.chain.name) ?? 0;
  const leads = verdict !== null && (verdict.kind === 'jump' || verdict.kind === 'goto');
  if (leads) drawing.chains.set(verdict.chain, level + 1);
  const inVain = leads && following?.kind === 'return' ? '; no match there' : '';
  const packets = packetsOf(at);
  const counted = packets === null ? '' : `   (${packets.toLocaleString('en-US')} packet${packets === 1n ? '' : 's'})`;
  const name = at.chain.base === null ? `${shortChain(at.chain.name)} ${at.number}` : `rule ${at.number}`;
  drawing.lines.push(
    line('rule', depth, name, `${ruleWords(drawing.family, step)}${inVain}${counted}`, level),
    line('rule-text', depth, '', refOf(at).text, level + 1),
  );
};

const NO_LONGER = ' (the destination is no longer this node: input is not visited)';

const routeWords = (family: Family, step: Extract<TraceStep, { kind: 'route' }>, wasLocal: boolean): string => {
  const by = step.out === null || step.out === '' ? '' : ` by ${step.out}`;
  const hop = step.nextHop === null ? '' : ` to ${formatAddress({ family, value: step.nextHop })}`;
  switch (step.decision) {
    case 'local':
      return refOf(step.at).text.includes('kube-ipvs0')
        ? '→ input   (the address sits on kube-ipvs0: it is this node itself, which is why it answers to ping)'
        : '→ input   (the destination is this node)';
    case 'forward':
      return `→ ${step.when === 'input' ? 'forward' : 'out'}${by}${hop}${wasLocal && step.when === 'input' ? NO_LONGER : ''}`;
    case 'refused':
      return `refused: ${refOf(step.at).text}`;
    case 'unknown':
      return `cannot be told: ${refOf(step.at).text}`;
  }
};

const isRewritten = (trace: Trace, lines: readonly TreeLine[]): boolean =>
  trace.outcomes.length > 0 && lines.some(({ words }) => words.includes('destination becomes'));

const drawSteps = (drawing: Drawing, steps: readonly TraceStep[], depth: number): void => {
  const { family, lines } = drawing;
  for (const [index, step] of steps.entries()) {
    const following = steps[index + 1];
    switch (step.kind) {
      case 'hop': {
        const silent =
          following?.kind === 'policy'
            ? following.verdict === 'accept'
              ? 'no match, goes on'
              : 'no match: the policy drops it'
            : null;
        hopLine(drawing, step, depth, silent);
        break;
      }
      case 'rule':
        ruleLines(drawing, step, depth, following);
        break;
      case 'return':
        break;
      case 'policy':
        if (steps[index - 1]?.kind !== 'hop' && step.verdict === 'drop')
          lines.push(line('rule', depth, 'policy', 'DROP: no rule accepted it'));
        break;
      case 'nat-skipped':
        lines.push(
          line(
            'hook',
            depth,
            hookHead(drawing, step.hook),
            `nat    ${step.why === 'decided' ? 'passed by: what happens to this connection was decided by its first packet' : `passed by: the packet is ${step.why}`}`,
          ),
        );
        break;
      case 'translated':
        lines.push(
          line(
            'hook',
            depth,
            hookHead(drawing, step.hook),
            `nat    as the connection's first packet: now ${step.header.source === null ? '' : `${formatAddress({ family, value: step.header.source })} → `}${endpointText(family, { address: step.header.destination, port: step.header.destinationPort })}`,
          ),
        );
        break;
      case 'route':
        drawing.hook = '';
        lines.push(line('route', depth, 'routing', routeWords(family, step, isRewritten(drawing.trace, lines))));
        break;
      case 'ipvs':
        lines.push(
          line(
            'hook',
            depth,
            hookHead(drawing, step.hook),
            `IPVS   takes it over, behind the filter rules of ${step.hook}${step.to === null ? '' : `: destination becomes ${endpointText(family, step.to)}`}`,
          ),
          line('rule-text', depth, '', refOf(step.at).text),
        );
        break;
      case 'socket':
        lines.push(
          line(
            'route',
            depth,
            'socket',
            step.listener === null
              ? 'this node itself'
              : step.listener
                ? `a program listens: ${refOf(step.at).text}`
                : 'nothing listens there',
          ),
        );
        break;
    }
  }
};

const FORKS = {
  random: 'chosen at random',
  turn: 'one after another',
  hash: 'chosen by a hash of the flow',
  match: 'cannot be told from the dumps',
  affinity: 'by whether the client was here before',
  order: 'by which chain was registered last',
  address: 'by address',
  source: 'by source',
} as const;

interface Drawn {
  readonly share: string;
  readonly title: string;
  readonly lines: readonly TreeLine[];
  readonly endpoint: string | null;
}

const PLACEHOLDER = 'that endpoint';

/** A branch drawn by itself; the chains around the fork become the outermost ones. */
const drawBranch = (
  drawing: Drawing,
  node: TraceNode,
  depth: number,
  level: number,
): { lines: readonly TreeLine[]; endpoint: string | null } => {
  const chains = [...drawing.chains].map(([name, own]): [string, number] => [name, Math.max(0, own - level)]);
  const inner: Drawing = { ...drawing, lines: [], chains: new Map(chains), hook: '' };
  draw(inner, node, depth);
  const target = targetOf(node);
  return { lines: inner.lines, endpoint: target === null ? null : endpointText(drawing.family, target) };
};

/** Names and numbers that differ from one endpoint to the next, and nothing else. */
const withoutEndpoint = (text: string, endpoint: string | null): string => {
  const plain = text
    .replace(/KUBE-SEP-\w+/g, 'KUBE-SEP')
    .replace(/(endpoint-)[A-Z2-7]{8}/g, '$1')
    .replace(/affinity-[A-Z2-7]{8}\S*/g, 'affinity-…');
  return endpoint === null ? plain : plain.replaceAll(endpoint, PLACEHOLDER);
};

const likeness = ({ lines, endpoint }: { readonly lines: readonly TreeLine[]; readonly endpoint: string | null }) =>
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
const generalize = (lines: readonly TreeLine[], endpoint: string): readonly TreeLine[] =>
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

const drawFork = (drawing: Drawing, next: Extract<TraceNode['next'], { kind: 'fork' }>, depth: number): void => {
  const { fork, at, branches } = flatten(next);
  const isRule = at.kind === 'rule' && at.number !== 'policy';
  const level = at.kind === 'rule' ? (drawing.chains.get(at.chain.name) ?? 0) : 0;
  drawing.lines.push(
    line(
      'fork',
      depth,
      isRule && at.chain.base === null ? shortChain(at.chain.name) : '',
      fork === 'match' || fork === 'order'
        ? `${countWord(branches.length)} ways: ${FORKS[fork]}`
        : `one of ${branches.length}, ${FORKS[fork]}`,
      level,
    ),
  );
  const groups = new Map<string, Drawn[]>();
  for (const { share, assuming, node } of branches) {
    const drawn: Drawn = {
      share: share === null ? '' : fractionText(share),
      title: assuming === null ? '' : assumptionWords(assuming),
      ...drawBranch(drawing, node, depth + 1, level),
    };
    const key = `${drawn.title} ${likeness(drawn)}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [drawn]);
    else known.push(drawn);
  }
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const endpoints = group.flatMap(({ endpoint }) => (endpoint === null ? [] : [endpoint]));
    const title = [first.title, listOf(endpoints)].filter(Boolean).join(': ');
    drawing.lines.push(
      line('branch', depth, shareOf(group), title, level),
      ...(group.length > 1 && first.endpoint !== null ? generalize(first.lines, first.endpoint) : first.lines),
    );
  }
};

const assumptionWords = ({ at, what, holds, why }: Assumption): string => {
  if (what === 'order') return `if ${chainTitle(at)} runs ${holds === false ? 'later' : 'first'}`;
  if (what === 'affinity') {
    if (holds === 'endpoint') return 'a client that was here before, and is sent where it was sent then';
    return holds ? 'a client that was here before' : 'a client that was not here before';
  }
  return `if ${why} ${holds === false ? 'does not match' : 'matches'}`;
};

const shareOf = (group: readonly Drawn[]): string => {
  const shares = group.flatMap(({ share }) => {
    const [over, of = '1'] = share.split('/');
    return over === undefined || over === '' ? [] : [{ over: BigInt(over), of: BigInt(of) }];
  });
  return shares.length === 0 ? '' : fractionText(sumOf(shares));
};

const MOST_ENDPOINTS = 6;

const listOf = (items: readonly string[]): string => {
  if (items.length <= MOST_ENDPOINTS) return items.join(' or ');
  return `${items.slice(0, MOST_ENDPOINTS).join(', ')} and ${items.length - MOST_ENDPOINTS} more`;
};

const draw = (drawing: Drawing, { steps, next }: TraceNode, depth: number): void => {
  drawSteps(drawing, steps, depth);
  if (next.kind === 'fork') return drawFork(drawing, next, depth);
  const outcome = drawing.trace.outcomes[next.index];
  if (outcome !== undefined) drawing.lines.push(line('end', depth, '⇒', outcomeWords(drawing.family, outcome)));
};

/** The way of a packet as the lines of an indented tree. */
export const traceTree = (trace: Trace): readonly TreeLine[] => {
  const drawing: Drawing = { family: trace.packet.family, trace, lines: [], chains: new Map(), hook: '' };
  draw(drawing, trace.root, 0);
  return drawing.lines;
};

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
