import { endpointName, shortChain } from '../../kube-proxy/names.ts';
import { SERVICE_LINK } from '../../kube-proxy/well-known.ts';
import { formatAddress } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { refOf, type Place } from '../../simulate/state/place.ts';
import { endpointText } from '../words/endpoint-text.ts';
import { line } from '../words/tree-line.ts';
import { purposeWords } from './chain-purpose.ts';
import type { Drawing } from './drawing.ts';
import type { Naming } from './naming.ts';
import { ruleWords } from './step-words.ts';
import type { HopView, IpvsView, RouteView, RuleView, StepView } from './trace-view.ts';

/** `ip kube-proxy nat-prerouting`. */
export const chainTitle = (at: Place): string =>
  at.kind === 'rule' ? `${at.table.family} ${at.table.name} ${shortChain(at.chain.name)}` : '';

/** Only the first line of a hook has its name in front. */
const hookHead = (drawing: Drawing, hook: string): string => {
  const same = drawing.hook === hook;
  drawing.hook = hook;
  return same ? '' : hook;
};

const SILENT = { accept: 'no match, goes on', drop: 'no match: the policy drops it' } as const;

const drawHop = (drawing: Drawing, { at, hook, purpose, silent }: HopView, depth: number): void => {
  const type = at.kind === 'rule' ? (at.chain.base?.type ?? '') : '';
  drawing.chains = new Map(at.kind === 'rule' ? [[at.chain.name, 0]] : []);
  const title = `${type.padEnd(7)}${chainTitle(at)}`;
  const said = silent === null ? (purpose === null ? null : purposeWords(purpose)) : SILENT[silent];
  const words = said === null ? title : `${title.padEnd(46)} ${said}`;
  drawing.lines.push(line('hook', depth, hookHead(drawing, hook), words));
};

type RulePlace = Extract<Place, { kind: 'rule' }>;

const leadsToEndpoint = ({ verdict }: RuleView): boolean =>
  verdict !== null && 'chain' in verdict && endpointName(verdict.chain) !== null;

/** Whether a rule concerns one endpoint alone. */
const isOfEndpoint = (family: Family, step: RuleView, { chain }: RulePlace, naming: Naming): boolean =>
  endpointName(chain.name) !== null ||
  leadsToEndpoint(step) ||
  step.effects.some((effect) => {
    if (effect.kind === 'record') return endpointName(effect.name) !== null;
    if (effect.kind !== 'nat') return false;
    const to = endpointText(family, effect.to);
    return naming.endpoint(to) !== to;
  });

const drawRule = (drawing: Drawing, step: RuleView, depth: number): void => {
  const { at, verdict, inVain, packets } = step;
  if (at.kind !== 'rule') return;
  const { naming, view } = drawing;
  const { family } = view.packet;
  const level = drawing.chains.get(at.chain.name) ?? 0;
  if (verdict !== null && 'chain' in verdict) drawing.chains.set(verdict.chain, level + 1);
  const head = at.chain.base === null ? naming.rule(at.chain.name, at.number) : `rule ${at.number}`;
  const words = `${ruleWords(family, step, naming)}${inVain ? '; no match there' : ''}`;
  const isOne = naming.kind === 'general' && isOfEndpoint(family, step, at, naming);
  drawing.lines.push(line('rule', depth, head, words, level, isOne ? null : packets));
  // A rule in an endpoint's own chain, or one that leads there, concerns that endpoint.
  if (naming.kind === 'comparison') return;
  if (naming.kind === 'general' && (endpointName(at.chain.name) !== null || leadsToEndpoint(step))) return;
  drawing.lines.push(line('rule-text', depth, '', refOf(at).text, level + 1));
};

const NO_LONGER = ' (the destination is no longer this node: input is not visited)';

const routeWords = (family: Family, step: RouteView): string => {
  const by = step.out === null || step.out === '' ? '' : ` by ${step.out}`;
  const hop = step.nextHop === null ? '' : ` to ${formatAddress({ family, value: step.nextHop })}`;
  switch (step.decision) {
    case 'local':
      return step.onServiceLink
        ? `→ input   (the address sits on ${SERVICE_LINK}: it is this node itself, which is why it answers to ping)`
        : '→ input   (the destination is this node)';
    case 'forward':
      return step.when === 'input' ? `→ forward${by}${hop}${step.rewritten ? NO_LONGER : ''}` : `→ out${by}${hop}`;
    case 'refused':
      return `refused: ${refOf(step.at).text}`;
    case 'unknown':
      return `cannot be told: ${refOf(step.at).text}`;
  }
};

const drawIpvs = (drawing: Drawing, { at, hook, service, to }: IpvsView, depth: number): void => {
  const { naming, view } = drawing;
  const whose = service === null ? '' : ` for ${service}`;
  const becomes = to === null ? '' : `: destination becomes ${naming.endpoint(endpointText(view.packet.family, to))}`;
  drawing.lines.push(
    line(
      'hook',
      depth,
      hookHead(drawing, hook),
      `IPVS   takes it over${whose}, behind the filter rules of ${hook}${becomes}`,
    ),
  );
  if (naming.kind !== 'comparison') drawing.lines.push(line('rule-text', depth, '', refOf(at).text));
};

const skippedWords = ({ why }: Extract<StepView, { kind: 'nat-skipped' }>): string =>
  why === 'decided'
    ? 'nat    passed by: what happens to this connection was decided by its first packet'
    : `nat    passed by: the packet is ${why}`;

const translatedWords = (
  family: Family,
  { by, header }: Extract<StepView, { kind: 'translated' }>,
  naming: Naming,
): string => {
  const who =
    by === 'nat'
      ? "nat    as the connection's first packet"
      : "IPVS   a server's answer gets the address of its service";
  const source = header.source === null ? '' : `${formatAddress({ family, value: header.source })} → `;
  const to = endpointText(family, { address: header.destination, port: header.destinationPort });
  return `${who}: now ${source}${naming.endpoint(to)}`;
};

const socketWords = ({ at, listener }: Extract<StepView, { kind: 'socket' }>): string => {
  if (listener === null) return 'this node itself';
  return listener ? `a program listens: ${refOf(at).text}` : 'nothing listens there';
};

/** Draws a stretch of the way. */
export const drawSteps = (drawing: Drawing, steps: readonly StepView[], depth: number): void => {
  const { naming, lines } = drawing;
  const { family } = drawing.view.packet;
  for (const step of steps)
    switch (step.kind) {
      case 'hop':
        drawHop(drawing, step, depth);
        break;
      case 'rule':
        drawRule(drawing, step, depth);
        break;
      case 'return':
        break;
      case 'policy':
        if (!step.silent && step.verdict === 'drop')
          lines.push(line('rule', depth, 'policy', 'DROP: no rule accepted it'));
        break;
      case 'nat-skipped':
        lines.push(line('hook', depth, hookHead(drawing, step.hook), skippedWords(step)));
        break;
      case 'translated':
        lines.push(line('hook', depth, hookHead(drawing, step.hook), translatedWords(family, step, naming)));
        break;
      case 'route':
        drawing.hook = '';
        lines.push(line('route', depth, 'routing', routeWords(family, step)));
        break;
      case 'ipvs':
        drawIpvs(drawing, step, depth);
        break;
      case 'socket':
        lines.push(line('route', depth, 'socket', socketWords(step)));
        break;
    }
};
