import { formatAddress } from '../../net/address.ts';
import { CHAIN } from '../../kube-proxy/well-known.ts';
import { type Hook } from '../../ruleset/hook.ts';
import { lower } from '../../lower/lower.ts';
import { printIptablesRule } from '../../print/iptables.ts';
import { printRule } from '../../print/nft.ts';
import { refText } from '../../lower/rule-ref.ts';
import type { Step } from '../../lower/step.ts';
import { verdictElements, type AnyChain, type AnyTable } from '../../ruleset/table.ts';
import { allSteps } from '../../simulate/all-steps.ts';
import { refOf, type Place } from '../../simulate/state/place.ts';
import type { Effect, Header, Trace, TraceStep } from '../../simulate/state/trace.ts';
import type { AskedRule } from './find-rule.ts';
import { endpointText } from '../words/endpoint-text.ts';
import { unmetCondition, type Unmet } from './unmet-condition.ts';

/** Base chains from which a chain can be reached by jumps. */
const basesOf = (table: AnyTable, wanted: AnyChain): readonly AnyChain[] => {
  const callers = new Map<string, AnyChain[]>();
  for (const chain of table.chains.values())
    for (const rule of chain.rules)
      for (const step of lower(rule))
        for (const target of targetsOf(table, step)) callers.set(target, [...(callers.get(target) ?? []), chain]);
  const found = new Set<AnyChain>([wanted]);
  for (const chain of found) for (const caller of callers.get(chain.name) ?? []) found.add(caller);
  return [...found].filter(({ base }) => base !== null);
};

const targetsOf = (table: AnyTable, step: Step): readonly string[] => {
  if (step.kind === 'verdict') return 'chain' in step.verdict ? [step.verdict.chain] : [];
  if (step.kind === 'verdict-map') {
    const named = typeof step.map === 'string' ? table.sets.get(step.map) : null;
    const elements = typeof step.map === 'string' ? verdictElements(named ?? undefined) : step.map;
    return elements.flatMap(({ verdict }) => ('chain' in verdict ? [verdict.chain] : []));
  }
  return step.kind === 'choose'
    ? step.arms.flatMap(({ then }) => (then ?? []).flatMap((one) => targetsOf(table, one)))
    : [];
};

const isAt = (place: Place, { table, chain }: { readonly table: AnyTable; readonly chain: AnyChain }): boolean =>
  place.kind === 'rule' && place.table === table && place.chain === chain;

const isFinal = (verdict: Extract<TraceStep, { kind: 'rule' }>['verdict']): boolean =>
  verdict !== null && ['accept', 'drop', 'reject', 'queue'].includes(verdict.kind);

const isRewriting = (effect: Effect): boolean =>
  effect.kind === 'nat' && effect.how !== 'snat' && effect.how !== 'masquerade';

interface Seen {
  /** The header with which the packet began. */
  readonly first: Header | null;
  /** Headers at the entries of the base chains that lead to the rule. */
  readonly headers: readonly Header[];
  readonly matched: Extract<TraceStep, { kind: 'rule' }> | null;
  /** A rule of the same base chain that decided before the packet came to this one. */
  readonly before: Place | null;
  readonly hooks: ReadonlySet<Hook>;
  readonly rewriting: Extract<TraceStep, { kind: 'rule' }> | null;
  readonly ipvs: Extract<TraceStep, { kind: 'ipvs' }> | null;
  readonly natSkipped: boolean;
  readonly refused: Extract<TraceStep, { kind: 'route' }> | null;
}

const look = (trace: Trace, asked: AskedRule, bases: readonly AnyChain[]): Seen => {
  const headers: Header[] = [];
  const hooks = new Set<Hook>();
  let first: Seen['first'] = null;
  let matched: Seen['matched'] = null;
  let before: Place | null = null;
  let rewriting: Seen['rewriting'] = null;
  let ipvs: Seen['ipvs'] = null;
  let natSkipped = false;
  let refused: Seen['refused'] = null;
  // `inside`: the step is in a base chain that leads to the rule. `passed`: the packet is past the rule there.
  let inside = false;
  let passed = false;
  for (const step of allSteps(trace.root)) {
    if (step.kind === 'hop') {
      first ??= step.header;
      hooks.add(step.hook);
      inside = bases.some((chain) => isAt(step.at, { table: asked.table, chain }));
      passed = false;
      if (inside) headers.push(step.header);
    } else if (step.kind === 'rule') {
      const number = isAt(step.at, asked) && step.at.kind === 'rule' ? step.at.number : null;
      if (number === asked.number) matched ??= step;
      if (typeof number === 'number' && number > asked.number) passed = true;
      if (step.effects.some(isRewriting)) rewriting ??= step;
      if (inside && !passed && isFinal(step.verdict) && matched === null) before ??= step.at;
    } else if (step.kind === 'return' || step.kind === 'policy') passed ||= isAt(step.at, asked);
    else if (step.kind === 'ipvs') {
      ipvs ??= step;
      hooks.add(step.hook);
    } else if (step.kind === 'nat-skipped' && bases.some(({ base }) => base?.hook === step.hook && base.type === 'nat'))
      natSkipped = true;
    else if (step.kind === 'route' && step.decision === 'refused') refused ??= step;
  }
  return { first, headers, matched, before, hooks, rewriting, ipvs, natSkipped, refused };
};

/**
 * The same rule at a place where it would see the packet. A rule that rewrites or answers becomes a drop, because
 * nothing else is allowed there.
 */
const workingForm = (asked: AskedRule, port: number | null, chain = '-t mangle -I PREROUTING 1'): readonly string[] => {
  const rule = asked.chain.rules[asked.number - 1];
  const own = port === null ? [] : [`or: portcullis restrict ${port} --from CIDR`];
  if (rule?.kind !== 'iptables') {
    const text = (rule === undefined ? '' : printRule(rule)).replace(/\b(?:reject|redirect|dnat)\b.*$/, 'drop');
    return [`a chain with "type filter hook prerouting priority -140" sees it: ${text}`, ...own];
  }
  const tool = asked.table.family === 'ip6' ? 'ip6tables' : 'iptables';
  const text = printIptablesRule(rule).replace(/-j (?:REJECT|REDIRECT|DNAT)\b.*$/, '-j DROP');
  return [`${tool} ${chain} ${text}`, ...own];
};

/** The sentences about a rule that matched. */
const ofMatched = (trace: Trace, asked: AskedRule, { matched, ipvs }: Seen): readonly string[] => {
  const deciding = trace.outcomes.filter(
    ({ decidedBy }) => isAt(decidedBy, asked) && decidedBy.kind === 'rule' && decidedBy.number === asked.number,
  );
  const others = trace.outcomes.filter((outcome) => !deciding.includes(outcome));
  const changes = matched?.effects.some(isRewriting) === true;
  if (deciding.length > 0 || changes) {
    const order = [...deciding, ...others].some(({ assuming }) => assuming.some(({ what }) => what === 'order'));
    if (order)
      return [
        'It sees the packet only if its chain runs before the others of the same hook and priority; of those the one that was registered last runs first.',
        'A restart of kube-proxy can change that without a word. A rule at a priority of its own does not depend on it:',
        ...workingForm(asked, trace.packet.destinationPort),
      ];
    const ways = others.length > 0 && deciding.length > 0 ? ' on some of its ways' : '';
    const behind =
      asked.chain.base?.hook === 'input' &&
      (ipvs !== null || deciding.length > 0) &&
      asked.table.chains.has(CHAIN.ipvsFilter)
        ? [
            'In ipvs mode the destination is rewritten behind the filter rules of input: those see packets to node ports as they came.',
          ]
        : [];
    return [`It does see the packet, and ${changes ? 'rewrites it' : 'decides about it'}${ways}.`, ...behind];
  }
  const verdict = matched?.verdict ?? null;
  return [
    verdict?.kind === 'accept'
      ? 'It does see the packet and accepts it; that ends its own base chain alone, and later chains can still decide otherwise.'
      : 'It does see the packet and matches it, but has no final verdict.',
  ];
};

/** The sentences about a rule at a hook that the packet never reaches. */
const ofOtherHook = (
  trace: Trace,
  asked: AskedRule,
  hook: string,
  seen: Seen,
  never: Unmet | null,
): readonly string[] => {
  const { packet } = trace;
  const { family, destinationPort: port } = packet;
  const { rewriting, ipvs } = seen;
  const besides = never === null ? null : [`Nor would it match where it saw the packet as it came: ${never.words}.`];
  if (hook === 'input' && rewriting !== null) {
    const nat = rewriting.effects.find(isRewriting);
    const to = nat?.kind === 'nat' ? endpointText(family, nat.to) : 'a pod';
    return [
      `The packet never comes to the hook input: before it, ${refText(refOf(rewriting.at))} has rewritten the destination to ${to}${trace.outcomes.length > 1 ? ' (or another endpoint)' : ''}, so routing sends it to forward.`,
      ...(besides ?? [
        'To see the packet, a rule must run before the rewriting, in prerouting at a priority below -100:',
        ...workingForm(asked, port),
      ]),
    ];
  }
  if (hook === 'forward' && ipvs !== null)
    return [
      'The packet never comes to the hook forward: IPVS takes it over behind the filter rules of input and sends it on through output and postrouting.',
      ...(besides ?? [
        'To see the packet as it came, a rule must run in input or before:',
        ...workingForm(asked, port, '-I INPUT 1'),
      ]),
    ];
  if (hook === 'input' && trace.outcomes.every(({ result }) => result === 'forwarded')) {
    const to = formatAddress({ family, value: packet.destination });
    const leaves = trace.outcomes.flatMap(({ via }) => (via === null ? [] : [via.oif]));
    const back = packet.entry.kind === 'interface' && leaves.includes(packet.entry.name);
    return [
      `${to} is no address of this node: what comes here for it is forwarded by ${[...new Set(leaves)].join(' or ')} and never meets the hook input.`,
      back
        ? 'It would leave by the interface that it came in by: such a packet comes to this node only if somebody uses it as a gateway.'
        : 'A rule about it belongs into forward.',
    ];
  }
  return [`The packet never comes to the hook ${hook}: it passes ${[...seen.hooks].join(', ')}.`, ...(besides ?? [])];
};

const REWRITTEN: ReadonlySet<string> = new Set(['destination', 'destination-port']);

const reasons = (trace: Trace, asked: AskedRule): readonly string[] => {
  const { family, destinationPort: port } = trace.packet;
  const rule = asked.chain.rules[asked.number - 1];
  const steps = rule === undefined ? [] : lower(rule);
  const bases = basesOf(asked.table, asked.chain);
  const seen = look(trace, asked, bases);
  if (seen.matched !== null) return ofMatched(trace, asked, seen);
  if (bases.length === 0) return [`No base chain leads to ${asked.chain.name}: no packet ever comes to it.`];
  if (seen.refused !== null && seen.headers.length === 0)
    return [`The packet does not get so far: ${refOf(seen.refused.at).text}.`];
  // A packet that came in by an interface has no outgoing one yet.
  const never =
    seen.first === null
      ? null
      : unmetCondition(
          family,
          steps.filter((step) => step.kind !== 'test' || step.field !== 'out-interface'),
          seen.first,
        );
  if (seen.headers.length === 0) {
    if (seen.natSkipped)
      return [
        "Its nat chain is skipped: nat decides once, at a connection's first packet, and this connection was decided before.",
        'An existing connection is not affected by it; conntrack -D ends such connections, a filter rule before nat sees every packet:',
        ...workingForm(asked, port),
      ];
    const decided = trace.outcomes.find(({ result }) => result === 'dropped' || result === 'rejected');
    const hook = bases[0]?.base?.hook ?? '';
    if (decided !== undefined && trace.outcomes.length === 1 && !seen.hooks.has(hook as Hook))
      return [`${refText(refOf(decided.decidedBy))} decides before it: ${refOf(decided.decidedBy).text}`];
    return ofOtherHook(trace, asked, hook, seen, never);
  }
  const unmet = seen.headers.map((header) => unmetCondition(family, steps, header)).find((one) => one !== null);
  if (seen.before !== null) {
    const earlier = refOf(seen.before);
    return [
      `${refText(earlier)} decides before it: ${earlier.text}`,
      ...(unmet === undefined ? workingForm(asked, port) : [`Besides, ${unmet.words}.`]),
    ];
  }
  if (unmet === undefined)
    return [
      asked.chain.base === null
        ? `The packet passes the hook, but no rule on its way jumps to ${asked.chain.name}, or the rule's conditions do not hold.`
        : 'The packet comes to its chain, but not all of its conditions hold.',
    ];
  const rewritten = seen.rewriting !== null && REWRITTEN.has(unmet.field) && never === null;
  return [
    `The packet comes to its chain, but the rule does not match: ${unmet.words}.`,
    ...(rewritten && seen.rewriting !== null
      ? [
          `${refText(refOf(seen.rewriting.at))} has rewritten the packet before. This rule sees it as it came:`,
          ...workingForm(asked, port),
        ]
      : []),
  ];
};

/**
 * Why a rule did not see, or did not decide, a packet: the rule, then sentences, then the form that works where there
 * is one.
 */
export const whyNot = (trace: Trace, asked: AskedRule): readonly string[] => {
  const ref = refOf({ kind: 'rule', ...asked });
  return [`${refText(ref)}: ${ref.text}`, ...reasons(trace, asked)];
};
