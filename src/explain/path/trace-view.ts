import { exposureId } from '../../access/exposures.ts';
import type { ServiceNames } from '../../audit/exposures/service-names.ts';
import { SERVICE_LINK } from '../../kube-proxy/well-known.ts';
import type { Fraction } from '../../lower/step.ts';
import type { Hook } from '../../ruleset/hook.ts';
import type { AnyRule } from '../../ruleset/table.ts';
import type { Assumption, Endpoint, Outcome } from '../../simulate/state/outcome.ts';
import type { PacketSet } from '../../simulate/state/packet-set.ts';
import type { Place } from '../../simulate/state/place.ts';
import type { Effect, Fork, Trace, TraceNode, TraceStep } from '../../simulate/state/trace.ts';
import { chainPurpose, type ChainPurpose } from './chain-purpose.ts';

type Step<K extends TraceStep['kind']> = Extract<TraceStep, { kind: K }>;

/** A base chain is entered. */
export type HopView = Step<'hop'> & {
  readonly purpose: ChainPurpose | null;
  /** Its policy, where none of its rules matches; null: one does. */
  readonly silent: 'accept' | 'drop' | null;
};

/** A rule matched. */
export type RuleView = Step<'rule'> & {
  /** The purpose of the chain that it leads to; null: it leads to none, or the purpose is not known. */
  readonly purpose: ChainPurpose | null;
  /** It leads to a chain in which no rule matches. */
  readonly inVain: boolean;
  /** How often it has matched by the kernel's count; null where the dump does not show it. */
  readonly packets: bigint | null;
};

/** A routing decision. */
export type RouteView = Step<'route'> & {
  /** The address is on the link of kube-proxy's ipvs mode. */
  readonly onServiceLink: boolean;
  /** The destination was rewritten before. */
  readonly rewritten: boolean;
};

/** IPVS takes the packet over. */
export type IpvsView = Step<'ipvs'> & {
  /** The Service that it is for, where manifests name it. */
  readonly service: string | null;
};

/** The end of a base chain. */
export type PolicyView = Step<'policy'> & {
  /** No rule of the chain matched, and its hop says so. */
  readonly silent: boolean;
};

export type StepView =
  HopView | RuleView | RouteView | IpvsView | PolicyView | Step<'return' | 'nat-skipped' | 'translated' | 'socket'>;

export interface BranchView {
  /** Of this fork alone; null where chance has no part in it. */
  readonly share: Fraction | null;
  readonly assuming: Assumption | null;
  /** The destination that it writes; null: it rewrites none, or its own forks write different ones. */
  readonly endpoint: Endpoint | null;
  readonly node: NodeView;
}

export interface ForkView {
  readonly kind: 'fork';
  readonly fork: Fork;
  readonly at: Place;
  readonly branches: readonly BranchView[];
}

/** A stretch of the way without forks, and what follows. */
export interface NodeView {
  readonly steps: readonly StepView[];
  readonly next: { readonly kind: 'outcome'; readonly index: number; readonly outcome: Outcome | null } | ForkView;
}

/**
 * All ways of a packet, with all that can be said about them, as data. The tree, the sentence, the JSON and the picture
 * are made from it.
 */
export interface TraceView {
  readonly packet: PacketSet;
  readonly outcomes: readonly Outcome[];
  readonly root: NodeView;
}

/** How often a rule has matched by the kernel's count; null where the dump does not show it. */
const packetsOf = (place: Place): bigint | null => {
  if (place.kind !== 'rule' || place.number === 'policy') return null;
  const rule: AnyRule | undefined = place.chain.rules[place.number - 1];
  if (rule === undefined) return null;
  if (rule.kind === 'iptables') return rule.counter?.packets ?? null;
  for (const statement of rule.statements) if (statement.kind === 'counter') return statement.counter.packets;
  return null;
};

type Nat = Extract<Effect, { kind: 'nat' }>;

/** Whether a rewriting changes the packet's source; otherwise it changes the destination. */
export const isOfSource = ({ how }: Nat): boolean => how === 'snat' || how === 'masquerade';

/** Whether a rewriting changes nothing. The port that masquerade writes is the kernel's choice and does not count. */
export const changesNothing = ({ how, from, to }: Nat): boolean =>
  how !== 'masquerade' && from.address === to.address && from.port === to.port;

const changesDestination = (effect: Effect): boolean =>
  effect.kind === 'nat' && !isOfSource(effect) && !changesNothing(effect);

/** The Service at a virtual server, where manifests name it. Addresses of a node mean any of them. */
const serviceAt = (names: ServiceNames, at: Place): string | null => {
  const server = at.kind === 'ipvs' ? at.server.at : null;
  if (server === null) return null;
  const ports = { first: server.port, last: server.port };
  return (
    names.get(exposureId(server.address, ports, server.protocol)) ??
    names.get(exposureId(null, ports, server.protocol)) ??
    null
  );
};

const targetOf = (steps: readonly StepView[]): Endpoint | null => {
  for (const step of steps) {
    if (step.kind === 'ipvs' && step.to !== null) return step.to;
    if (step.kind !== 'rule') continue;
    for (const effect of step.effects) if (effect.kind === 'nat' && !isOfSource(effect)) return effect.to;
  }
  return null;
};

const leadsTo = ({ at, verdict }: Step<'rule'>): ChainPurpose | null =>
  at.kind === 'rule' && verdict !== null && 'chain' in verdict ? chainPurpose(at.table, verdict.chain) : null;

/** A whole trace as data that can be told. `names`: the names of Services in manifests. */
export const traceView = ({ packet, outcomes, root }: Trace, names: ServiceNames = new Map()): TraceView => {
  const nodeView = ({ steps, next }: TraceNode, before: boolean): NodeView => {
    let rewritten = before;
    const views = steps.map((step, index): StepView => {
      const following = steps[index + 1];
      switch (step.kind) {
        case 'hop': {
          const purpose = step.at.kind === 'rule' ? chainPurpose(step.at.table, step.at.chain.name) : null;
          return { ...step, purpose, silent: following?.kind === 'policy' ? following.verdict : null };
        }
        case 'rule': {
          if (step.effects.some(changesDestination)) rewritten = true;
          const leads = step.verdict !== null && 'chain' in step.verdict;
          return {
            ...step,
            purpose: leadsTo(step),
            inVain: leads && following?.kind === 'return',
            packets: packetsOf(step.at),
          };
        }
        case 'route': {
          const onServiceLink = step.at.kind === 'routing' && step.at.device === SERVICE_LINK;
          return { ...step, onServiceLink, rewritten };
        }
        case 'ipvs':
          if (step.to !== null) rewritten = true;
          return { ...step, service: serviceAt(names, step.at) };
        case 'policy':
          return { ...step, silent: steps[index - 1]?.kind === 'hop' };
        case 'return':
        case 'nat-skipped':
        case 'translated':
        case 'socket':
          return step;
      }
    });
    if (next.kind === 'outcome') return { steps: views, next: { ...next, outcome: outcomes[next.index] ?? null } };
    const branches = next.branches.map(({ share, assuming, node }): BranchView => {
      const view = nodeView(node, rewritten);
      return { share, assuming, endpoint: targetOf(view.steps), node: view };
    });
    return { steps: views, next: { ...next, branches } };
  };
  return { packet, outcomes, root: nodeView(root, false) };
};

/** All steps from a node on, over all its forks. */
export const stepsFrom = function* ({ steps, next }: NodeView): Generator<StepView> {
  yield* steps;
  if (next.kind === 'fork') for (const { node } of next.branches) yield* stepsFrom(node);
};

/** The hooks that a packet passes on any of its ways. */
export const hooksOf = ({ root }: TraceView): ReadonlySet<Hook> => {
  const hooks = new Set<Hook>();
  for (const step of stepsFrom(root)) if (step.kind === 'hop') hooks.add(step.hook);
  return hooks;
};
