import type { Fraction } from '../../lower/step.ts';
import type { Assumption } from '../../simulate/state/outcome.ts';
import { endpointText } from '../words/endpoint-text.ts';
import { countWord, fractionText, grouped, sumOf } from '../words/number-words.ts';
import { line, type TreeLine } from '../words/tree-line.ts';
import { flatten } from './branches.ts';
import type { Drawing } from './drawing.ts';
import { BY_NAME, inComparison, inGeneral, type Naming } from './naming.ts';
import { outcomeWords } from './outcome-words.ts';
import { chainTitle, drawSteps } from './step-lines.ts';
import type { BranchView, ForkView, NodeView, TraceView } from './trace-view.ts';

/** Forks that are nested deeper are not drawn. Each level doubles the number of ways, and nobody reads thousands. */
const MOST_DOUBTS = 6;

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

const assumptionWords = ({ at, what, holds, why }: Assumption): string => {
  if (what === 'order') return `if ${chainTitle(at)} runs ${holds === false ? 'later' : 'first'}`;
  if (what === 'affinity') {
    if (holds === 'endpoint') return 'a client that was here before, and is sent where it was sent then';
    return holds ? 'a client that was here before' : 'a client that was not here before';
  }
  return `if ${why} ${holds === false ? 'does not match' : 'matches'}`;
};

/** Where the branches of a fork are drawn: after how many forks, and how far below the base chain the fork is. */
interface Spot {
  readonly depth: number;
  readonly level: number;
  readonly doubts: number;
}

/** A branch drawn by itself. The chains around the fork become the outermost ones. */
const drawBranch = (
  drawing: Drawing,
  { node }: BranchView,
  { depth, level, doubts }: Spot,
  naming: Naming,
): readonly TreeLine[] => {
  const chains = [...drawing.chains].map(([name, own]): [string, number] => [name, Math.max(0, own - level)]);
  const inner: Drawing = { ...drawing, lines: [], chains: new Map(chains), hook: '', naming, doubts };
  draw(inner, node, depth + 1);
  return inner.lines;
};

/** Branches that are told as one: they have the same assumption and differ only in their endpoint. */
interface Group {
  readonly title: string;
  readonly branches: [BranchView, ...BranchView[]];
  /** The first branch as it was drawn for the comparison; null: no other branch has the same assumption. */
  readonly compared: readonly TreeLine[] | null;
}

const drawForComparison = (drawing: Drawing, branch: BranchView, spot: Spot): readonly TreeLine[] => {
  const naming = inComparison(ownEndpoint(drawing, branch), drawing.naming);
  const known = drawing.compared.get(branch.node);
  if (known !== undefined && known.own === naming.own) return known.lines;
  const lines = drawBranch(drawing, branch, spot, naming);
  drawing.compared.set(branch.node, { own: naming.own, lines });
  return lines;
};

const groupsOf = (drawing: Drawing, branches: readonly BranchView[], spot: Spot): readonly Group[] => {
  const titled = branches.map((branch) => ({
    title: branch.assuming === null ? '' : assumptionWords(branch.assuming),
    branch,
  }));
  const sameTitle = new Map<string, number>();
  for (const { title } of titled) sameTitle.set(title, (sameTitle.get(title) ?? 0) + 1);
  const groups = new Map<string, Group>();
  for (const { title, branch } of titled) {
    const compared = sameTitle.get(title) === 1 ? null : drawForComparison(drawing, branch, spot);
    const told = (compared ?? []).map(({ depth, level, head, words }) => `${depth} ${level} ${head} ${words}`);
    const key = [title, ...told].join('\n');
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { title, branches: [branch], compared });
    else known.branches.push(branch);
  }
  return [...groups.values()];
};

const ownEndpoint = ({ view }: Drawing, { endpoint }: BranchView): string | null =>
  endpoint === null ? null : endpointText(view.packet.family, endpoint);

const waysOf = (next: NodeView['next']): number =>
  next.kind === 'outcome' ? 1 : next.branches.reduce((sum, { node }) => sum + waysOf(node.next), 0);

const drawFork = (drawing: Drawing, next: ForkView, depth: number): void => {
  if (next.fork === 'match' && drawing.doubts >= MOST_DOUBTS) {
    drawing.lines.push(
      line(
        'end',
        depth,
        '⇒',
        `${grouped(waysOf(next))} more ways, for too many rules cannot be told from the dumps (-o json has them)`,
      ),
    );
    return;
  }
  const { fork, at, branches } = flatten(next);
  const isRule = at.kind === 'rule' && at.number !== 'policy';
  const level = at.kind === 'rule' ? (drawing.chains.get(at.chain.name) ?? 0) : 0;
  const spot: Spot = { depth, level, doubts: drawing.doubts + (fork === 'match' ? 1 : 0) };
  drawing.lines.push(
    line(
      'fork',
      depth,
      isRule && at.chain.base === null ? drawing.naming.chain(at.chain.name) : '',
      fork === 'match' || fork === 'order'
        ? `${countWord(branches.length)} ways: ${FORKS[fork]}`
        : `one of ${branches.length}, ${FORKS[fork]}`,
      level,
    ),
  );
  for (const { title, branches: members, compared } of groupsOf(drawing, branches, spot)) {
    const [first] = members;
    const own = ownEndpoint(drawing, first);
    const naming = members.length > 1 && own !== null ? inGeneral(own, drawing.naming) : drawing.naming;
    const endpoints = members.flatMap((one) => ownEndpoint(drawing, one) ?? []);
    const words = [title, listOf(endpoints.map(drawing.naming.endpoint))].filter(Boolean).join(': ');
    // Within a comparison the lines are used as they are. Otherwise nested forks would be drawn again and again.
    const isCompared = drawing.naming.kind === 'comparison' && compared !== null;
    const lines = isCompared ? compared : drawBranch(drawing, first, spot, naming);
    drawing.lines.push(line('branch', depth, shareOf(members), words, level), ...lines);
  }
};

const shareOf = (branches: readonly BranchView[]): string => {
  const shares = branches.flatMap(({ share }): Fraction[] => (share === null ? [] : [share]));
  return shares.length === 0 ? '' : fractionText(sumOf(shares));
};

const MOST_ENDPOINTS = 6;

const listOf = (items: readonly string[]): string => {
  if (items.length <= MOST_ENDPOINTS) return items.join(' or ');
  return `${items.slice(0, MOST_ENDPOINTS).join(', ')} and ${items.length - MOST_ENDPOINTS} more`;
};

const draw = (drawing: Drawing, { steps, next }: NodeView, depth: number): void => {
  drawSteps(drawing, steps, depth);
  if (next.kind === 'fork') return drawFork(drawing, next, depth);
  const { family } = drawing.view.packet;
  if (next.outcome !== null)
    drawing.lines.push(line('end', depth, '⇒', outcomeWords(family, next.outcome, drawing.naming)));
};

/** The way of a packet as the lines of an indented tree. */
export const traceTree = (view: TraceView): readonly TreeLine[] => {
  const drawing: Drawing = {
    view,
    lines: [],
    chains: new Map(),
    hook: '',
    naming: BY_NAME,
    compared: new Map(),
    doubts: 0,
  };
  draw(drawing, view.root, 0);
  return drawing.lines;
};
