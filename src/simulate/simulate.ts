import type { PrefixSet } from '../net/prefix-set.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import type { Fraction } from '../lower/step.ts';
import { plus } from '../lower/fraction.ts';
import { byChance, type Context } from './state/context.ts';
import { assumptionKey, endingKey, outcomesOf } from './distribution.ts';
import { established, knownConnection } from './way/earlier.ts';
import { hostIndex } from './host/host-index.ts';
import type { OrderName } from './host/hook-order.ts';
import { outcomeOf } from './way/make-outcome.ts';
import type { Outcome } from './state/outcome.ts';
import type { PacketSet } from './state/packet-set.ts';
import { travel, type Arrival } from './way/path.ts';
import type { Place } from './state/place.ts';
import { startState } from './state/start.ts';
import { listed, type Balance, type Connection, type State } from './state/state.ts';
import type { Trace, TraceNode } from './state/trace.ts';
import { treeOf, type WayNode } from './trace-tree.ts';

export type { OrderName } from './host/hook-order.ts';

export interface SimulateOptions {
  /** Chains of equal priority in the order in which they run, where the dumps do not tell. */
  readonly order?: readonly OrderName[];
}

/** Where some of the sources end. The leaves of an evaluation cover each source at least once. */
export interface Leaf {
  readonly sources: PrefixSet;
  readonly outcome: Outcome;
  /** The forks of chance on the way: rules and IPVS services that choose at random or in turn. */
  readonly chances: readonly Place[];
}

const NO_ORDER: readonly OrderName[] = [];

const contextOf = (
  ruleset: Ruleset,
  packet: PacketSet,
  { order = NO_ORDER }: SimulateOptions,
  recording: boolean,
): Context => ({
  ruleset,
  family: packet.family,
  index: hostIndex(ruleset.host, packet.family),
  packet,
  order,
  earlier: null,
  balanced: null,
  recording,
  spent: { forks: 0 },
});

const DECIDED_BEFORE = (family: 4 | 6): Place => ({
  kind: 'routing',
  family,
  table: 'conntrack',
  text: 'the connection was decided by its first packet',
});

/** Equal for connections that rewrite alike. */
const mappingKey = ({ reply }: Connection, balanced: Balance | null): string =>
  [
    reply.source,
    reply.sourcePort[0]?.first,
    reply.destination,
    reply.destinationPort[0]?.first,
    balanced?.server.address.value,
    balanced?.port,
  ]
    .map(String)
    .join(' ');

const isConnection = (connection: State['connection']): connection is Connection =>
  connection !== null && typeof connection === 'object';

/** What the first packet of a connection may have come to. */
interface Begun {
  readonly end: Arrival;
  /** How often, under what the first of these ends assumes. */
  readonly share: Fraction;
}

const sameAssumptions = (a: Arrival, b: Arrival): boolean => {
  const [one, other] = [a, b].map(({ state }) => listed(state.assuming).map(assumptionKey).join(' '));
  return one === other;
};

/**
 * What first packets come to, by what it means for the connection's later ones: a rewriting, or that nobody can tell.
 */
const begunWays = (ends: readonly Arrival[]): readonly Begun[] => {
  const ways = new Map<string, Begun>();
  for (const end of ends) {
    const { connection, ipvs, weight } = end.state;
    const { result } = end.ending;
    if (result !== 'unknown' && !(isConnection(connection) && WENT_ON.has(result))) continue;
    const key =
      result === 'unknown' || !isConnection(connection) ? endingKey(end.ending) : mappingKey(connection, ipvs);
    const known = ways.get(key);
    if (known === undefined) ways.set(key, { end, share: weight });
    else if (sameAssumptions(known.end, end)) ways.set(key, { ...known, share: plus(known.share, weight) });
  }
  return [...ways.values()];
};

const WENT_ON: ReadonlySet<Outcome['result']> = new Set(['delivered', 'local', 'forwarded']);

/**
 * A packet of an established connection: its mapping was decided by the first packet. The tracker's dump tells it;
 * without an entry it is what the first packet would get by the rules as they are now.
 */
const travelEstablished = (context: Context, start: State): readonly Arrival[] => {
  const known = knownConnection(context, start.point);
  if (known !== null) return travel({ ...context, ...known }, start);
  if (context.packet.direction === 'reply') return travel(context, start);
  const first: Context = { ...context, packet: { ...context.packet, state: 'new' }, recording: false };
  const ways = begunWays(travel(first, startState(first.packet)));
  if (ways.length === 0) return travel(context, start);
  const at = DECIDED_BEFORE(context.family);
  return ways.flatMap(({ end: { state, ending }, share }): readonly Arrival[] => {
    const here = ways.length === 1 ? start : byChance(context, start, at, 'random', share);
    const { connection, ipvs } = state;
    return ending.result === 'unknown' || !isConnection(connection)
      ? [{ state: here, ending }]
      : travel({ ...context, earlier: established(connection), balanced: ipvs }, here);
  });
};

const run = (context: Context): readonly Arrival[] => {
  const start = startState(context.packet);
  return context.packet.state === 'established' ? travelEstablished(context, start) : travel(context, start);
};

/** The node with the outcome of each leaf. */
const withOutcomes = (
  node: WayNode,
  byKey: ReadonlyMap<string, readonly { readonly index: number; readonly assuming: ReadonlySet<string> }[]>,
): TraceNode => {
  const { steps, next } = node;
  if (next.kind === 'fork') {
    const branches = next.branches.map((branch) => ({ ...branch, node: withOutcomes(branch.node, byKey) }));
    return { steps, next: { ...next, branches } };
  }
  const { state, ending } = next.end;
  const own = new Set(listed(state.assuming).map(assumptionKey));
  const candidates = byKey.get(endingKey(ending)) ?? [];
  const fitting = candidates.find(({ assuming }) => [...assuming].every((one) => own.has(one))) ?? candidates[0];
  return { steps, next: { kind: 'outcome', index: fitting?.index ?? 0 } };
};

/**
 * Every way of a packet through a ruleset, step by step. Pure; problems are outcomes of the kind `unknown`, never
 * exceptions.
 */
export const simulate = (ruleset: Ruleset, packet: PacketSet, options: SimulateOptions = {}): Trace => {
  const root = treeOf(run(contextOf(ruleset, packet, options, true)));
  if (root === null) return { packet, outcomes: [], root: { steps: [], next: { kind: 'outcome', index: -1 } } };
  const outcomes = outcomesOf(root);
  const byKey = new Map<string, { readonly index: number; readonly assuming: ReadonlySet<string> }[]>();
  for (const [index, outcome] of outcomes.entries()) {
    const key = endingKey(outcome);
    const one = { index, assuming: new Set(outcome.assuming.map(assumptionKey)) };
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [one]);
    else same.push(one);
  }
  return { packet, outcomes, root: withOutcomes(root, byKey) };
};

/** The same evaluation without the steps, for sets of sources: who ends where. */
export const evaluate = (ruleset: Ruleset, packet: PacketSet, options: SimulateOptions = {}): readonly Leaf[] =>
  run(contextOf(ruleset, packet, options, false)).map(({ state, ending }) => ({
    sources: state.sources,
    outcome: outcomeOf(state, ending),
    chances: listed(state.chances),
  }));
