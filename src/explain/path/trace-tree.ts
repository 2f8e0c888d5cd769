import { exposureId } from '../../access/exposures.ts';
import type { ServiceNames } from '../../audit/exposures/service-names.ts';
import { formatAddress } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { refOf, type Place } from '../../simulate/state/place.ts';
import type { Assumption } from '../../simulate/state/outcome.ts';
import type { Trace, TraceNode, TraceStep } from '../../simulate/state/trace.ts';
import { flatten, targetOf } from './branches.ts';
import { chainPurpose, shortChain } from './chain-purpose.ts';
import { countWord, fractionText, grouped, sumOf } from '../words/number-words.ts';
import { outcomeWords } from './outcome-words.ts';
import { generalize, likeness } from './like-branches.ts';
import { line, type TreeLine } from '../words/tree-line.ts';
import { packetsOf, ruleWords } from './step-words.ts';
import { endpointText } from './trace-json.ts';

interface Drawing {
  readonly family: Family;
  readonly trace: Trace;
  readonly lines: TreeLine[];
  /** How deep each chain of the present hop stands below its base chain. */
  chains: Map<string, number>;
  hook: string;
  /** What manifests call the Services. */
  readonly names: ServiceNames;
  /** Forks that cannot be told from the dumps, one in the other so far. */
  readonly doubts: number;
}

/** Forks in one another beyond this are not drawn: each makes twice as many ways, and nobody reads thousands. */
const MOST_DOUBTS = 6;

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
  const counted = packets === null ? '' : `   (${grouped(packets)} packet${packets === 1n ? '' : 's'})`;
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

/** ` for shop/frontend:http`, where somebody told; the addresses of a node stand for any of them. */
const ipvsService = (names: ServiceNames, at: Place): string => {
  const server = at.kind === 'ipvs' ? at.server.at : null;
  if (server === null) return '';
  const ports = { first: server.port, last: server.port };
  const name =
    names.get(exposureId(server.address, ports, server.protocol)) ??
    names.get(exposureId(null, ports, server.protocol));
  return name === undefined ? '' : ` for ${name}`;
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
            `${step.by === 'nat' ? "nat    as the connection's first packet" : "IPVS   a server's answer gets the address of its service"}: now ${step.header.source === null ? '' : `${formatAddress({ family, value: step.header.source })} → `}${endpointText(family, { address: step.header.destination, port: step.header.destinationPort })}`,
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
            `IPVS   takes it over${ipvsService(drawing.names, step.at)}, behind the filter rules of ${step.hook}${step.to === null ? '' : `: destination becomes ${endpointText(family, step.to)}`}`,
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

/** A branch drawn by itself; the chains around the fork become the outermost ones. */
const drawBranch = (
  drawing: Drawing,
  node: TraceNode,
  depth: number,
  level: number,
  doubts: number,
): { lines: readonly TreeLine[]; endpoint: string | null } => {
  const chains = [...drawing.chains].map(([name, own]): [string, number] => [name, Math.max(0, own - level)]);
  const inner: Drawing = { ...drawing, lines: [], chains: new Map(chains), hook: '', doubts };
  draw(inner, node, depth);
  const target = targetOf(node);
  return { lines: inner.lines, endpoint: target === null ? null : endpointText(drawing.family, target) };
};

const waysOf = (next: TraceNode['next']): number =>
  next.kind === 'outcome' ? 1 : next.branches.reduce((sum, { node }) => sum + waysOf(node.next), 0);

const drawFork = (drawing: Drawing, next: Extract<TraceNode['next'], { kind: 'fork' }>, depth: number): void => {
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
      ...drawBranch(drawing, node, depth + 1, level, drawing.doubts + (fork === 'match' ? 1 : 0)),
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
export const traceTree = (trace: Trace, names: ServiceNames = new Map()): readonly TreeLine[] => {
  const drawing: Drawing = {
    family: trace.packet.family,
    trace,
    lines: [],
    chains: new Map(),
    hook: '',
    names,
    doubts: 0,
  };
  draw(drawing, trace.root, 0);
  return drawing.lines;
};
