import { formatAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { refOf, type Place } from '../simulate/place.ts';
import type { Trace, TraceNode, TraceStep } from '../simulate/trace.ts';
import { flatten, targetOf } from './branches.ts';
import { chainPurpose, shortChain } from './chain-purpose.ts';
import { countWord, fractionText, sumOf } from './number-words.ts';
import { outcomeWords } from './outcome-words.ts';
import { packetsOf, ruleWords } from './step-words.ts';
import { endpointText } from './trace-json.ts';

/** A line of the tree: how deep it stands, what stands in front, and what it says. */
export interface TreeLine {
  readonly depth: number;
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

const line = (kind: TreeLine['kind'], depth: number, head: string, words: string): TreeLine => ({
  kind,
  depth,
  head,
  words,
});

const chainTitle = (at: Place): string =>
  at.kind === 'rule' ? `${at.table.family} ${at.table.name} ${shortChain(at.chain.name)}` : '';

const hopLine = (drawing: Drawing, step: Extract<TraceStep, { kind: 'hop' }>, depth: number, silent: string | null) => {
  const { at } = step;
  const type = at.kind === 'rule' ? (at.chain.base?.type ?? '') : '';
  const same = drawing.hook === `${step.hook} ${depth}`;
  drawing.hook = `${step.hook} ${depth}`;
  drawing.chains = new Map(at.kind === 'rule' ? [[at.chain.name, 0]] : []);
  const purpose = at.kind === 'rule' ? chainPurpose(at.table, at.chain.name) : null;
  const words = `${type.padEnd(7)}${chainTitle(at)}`;
  const said = silent ?? purpose;
  drawing.lines.push(line('hook', depth, same ? '' : step.hook, said === null ? words : `${words.padEnd(46)} ${said}`));
};

const ruleLines = (drawing: Drawing, step: Extract<TraceStep, { kind: 'rule' }>, depth: number): void => {
  const { at, verdict } = step;
  if (at.kind !== 'rule') return;
  const level = drawing.chains.get(at.chain.name) ?? 0;
  if (verdict !== null && (verdict.kind === 'jump' || verdict.kind === 'goto'))
    drawing.chains.set(verdict.chain, level + 1);
  const packets = packetsOf(at);
  const counted = packets === null ? '' : `   (${packets.toLocaleString('en-US')} packet${packets === 1n ? '' : 's'})`;
  const name = level === 0 ? `rule ${at.number}` : `${shortChain(at.chain.name)} ${at.number}`;
  drawing.lines.push(
    line('rule', depth + 1 + level, name, `${ruleWords(drawing.family, step)}${counted}`),
    line('rule-text', depth + 2 + level, '', refOf(at).text),
  );
};

const NO_LONGER = ' (the destination is no longer this node: input is not visited)';

const routeWords = (family: Family, step: Extract<TraceStep, { kind: 'route' }>, wasLocal: boolean): string => {
  const by = step.out === null || step.out === '' ? '' : ` by ${step.out}`;
  const hop = step.nextHop === null ? '' : ` to ${formatAddress({ family, value: step.nextHop })}`;
  switch (step.decision) {
    case 'local':
      return '→ input   (the destination is this node)';
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
        ruleLines(drawing, step, depth);
        break;
      case 'return':
        break;
      case 'policy':
        if (steps[index - 1]?.kind !== 'hop' && step.verdict === 'drop')
          lines.push(line('rule', depth + 1, 'policy', 'DROP: no rule accepted it'));
        break;
      case 'nat-skipped':
        lines.push(
          line(
            'hook',
            depth,
            step.hook,
            `nat    ${step.why === 'decided' ? 'passed by: what happens to this connection was decided by its first packet' : `passed by: the packet is ${step.why}`}`,
          ),
        );
        break;
      case 'translated':
        lines.push(
          line(
            'hook',
            depth,
            step.hook,
            `nat    as the connection's first packet: now ${step.header.source === null ? '' : `${formatAddress({ family, value: step.header.source })} → `}${endpointText(family, { address: step.header.destination, port: step.header.destinationPort })}`,
          ),
        );
        break;
      case 'route':
        drawing.hook = '';
        lines.push(line('route', depth, 'routing', routeWords(family, step, isRewritten(drawing.trace, lines))));
        break;
      case 'ipvs':
        drawing.hook = '';
        lines.push(
          line(
            'hook',
            depth,
            step.hook,
            `IPVS   takes it over, behind the filter rules of ${step.hook}${step.to === null ? '' : `: destination becomes ${endpointText(family, step.to)}`}`,
          ),
          line('rule-text', depth + 2, '', refOf(step.at).text),
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

/** A branch drawn by itself, with its own endpoint written as a word, so that branches that differ in nothing else are equal. */
const drawBranch = (
  drawing: Drawing,
  node: TraceNode,
  depth: number,
): { lines: TreeLine[]; endpoint: string | null } => {
  const inner: Drawing = { ...drawing, lines: [], chains: new Map(drawing.chains) };
  draw(inner, node, depth);
  const target = targetOf(node);
  return { lines: inner.lines, endpoint: target === null ? null : endpointText(drawing.family, target) };
};

const likeness = ({
  lines,
  endpoint,
}: {
  readonly lines: readonly TreeLine[];
  readonly endpoint: string | null;
}): string =>
  lines
    .filter(({ kind }) => kind !== 'rule-text')
    .map(({ depth, head, words }) => {
      const text = `${depth} ${head.replace(/KUBE-SEP-\w+/, 'KUBE-SEP')} ${words.replace(/KUBE-SEP-\w+/g, 'KUBE-SEP')}`;
      return (endpoint === null ? text : text.replaceAll(endpoint, PLACEHOLDER)).replace(/\([\d,]+ packets?\)/g, '');
    })
    .join('\n');

const drawFork = (drawing: Drawing, next: Extract<TraceNode['next'], { kind: 'fork' }>, depth: number): void => {
  const { fork, at, branches } = flatten(next);
  const level = at.kind === 'rule' ? (drawing.chains.get(at.chain.name) ?? 0) + 1 : 1;
  const where = depth + level;
  drawing.lines.push(
    line(
      'fork',
      where,
      at.kind === 'rule' && at.number !== 'policy' ? `${shortChain(at.chain.name)} ${at.number}` : '',
      fork === 'match' || fork === 'order'
        ? `${countWord(branches.length)} ways: ${FORKS[fork]}`
        : `one of ${branches.length}, ${FORKS[fork]}`,
    ),
  );
  const groups = new Map<string, Drawn[]>();
  for (const { share, assuming, node } of branches) {
    const { lines, endpoint } = drawBranch(drawing, node, where + 1);
    const title =
      assuming === null
        ? ''
        : `if ${assuming.what === 'order' ? 'this chain runs first' : assuming.why}${assuming.holds === false ? ' does not hold' : assuming.holds === true ? ' holds' : ''}`;
    const drawn: Drawn = { share: share === null ? '' : fractionText(share), title, lines, endpoint };
    const key = `${title} ${likeness(drawn)}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [drawn]);
    else known.push(drawn);
  }
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const endpoints = group.flatMap(({ endpoint }) => (endpoint === null ? [] : [endpoint]));
    const title = [first.title, endpoints.length > 1 ? listOf(endpoints) : (endpoints[0] ?? '')]
      .filter(Boolean)
      .join(': ');
    drawing.lines.push(line('branch', where, shareOf(group), title));
    const merged = group.length > 1;
    for (const one of first.lines)
      drawing.lines.push(
        merged && first.endpoint !== null
          ? { ...one, words: one.kind === 'rule-text' ? one.words : one.words.replaceAll(first.endpoint, PLACEHOLDER) }
          : one,
      );
  }
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
    .map(({ depth, kind, head, words }) => {
      const indent = '  '.repeat(depth);
      if (kind === 'hook' || kind === 'route') return `${indent}${paint(kind, head.padEnd(HEAD))}${words}`.trimEnd();
      const inset = ' '.repeat(HEAD - 2);
      return `${inset}${indent}${paint(kind, [head, words].filter(Boolean).join('  '))}`;
    })
    .join('\n');
