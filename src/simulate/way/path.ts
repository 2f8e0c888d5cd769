import type { Hook } from '../../ruleset/hook.ts';
import { merged, visitBaseChain, type ChainExit } from '../chain/chain-walk.ts';
import { confirmed, isRedirected, natAsked, natDone, trackPacket, translated } from './connection.ts';
import { assumingThat, byChance, recorded, type Context } from '../state/context.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import { sysctl } from '../host/host-index.ts';
import { hasNat, hookCalls, type BaseAt, type Called, type Group } from '../host/hook-order.ts';
import { balance, fromService } from './ipvs.ts';
import {
  arrived,
  dropped,
  left,
  listens,
  notFollowed,
  rejected,
  unknown,
  unroutable,
  type Fate,
  type Unroutable,
} from './make-outcome.ts';
import type { Place } from '../state/place.ts';
import { refusedOnArrival, routeInput, routeOutput, routeToServer, type Routed } from './route.ts';
import { sameFuture, sameRoute } from '../state/same-state.ts';
import { destinationOf, SOURCES, thePort, type State } from '../state/state.ts';
import type { Header } from '../state/trace.ts';
import { equals } from '../../net/prefix-set.ts';

/** One end of the way. */
export interface Arrival {
  readonly state: State;
  readonly ending: Fate;
}

/** again: the packet was changed on its way. */
type LookUp = 'input' | 'output' | 'again';

/** The run of one evaluation: the ends found so far. */
interface Way {
  readonly context: Context;
  readonly ends: Arrival[];
}

const end = (way: Way, state: State, ending: Fate): void => void way.ends.push({ state, ending });

const headerOf = (state: State): Header => ({
  source: state.source === SOURCES ? state.point : (state.source ?? null),
  destination: destinationOf(state),
  sourcePort: thePort(state.sourcePort),
  destinationPort: state.destinationPort ?? null,
  mark: state.mark ?? 0n,
  in: state.in,
  out: state.out,
});

/** How chains ended for a packet: as one of them said, or because a route that was looked up again refuses it. */
type HookExit =
  | ChainExit
  | {
      readonly state: State;
      readonly verdict: { readonly kind: 'unroutable'; readonly error: Unroutable };
      readonly at: Place;
    };

/** A packet's way is over, unless it was accepted. */
const finish = (way: Way, { state, verdict, at }: HookExit): void => {
  switch (verdict.kind) {
    case 'unroutable':
      return end(way, state, unroutable(verdict.error, at));
    case 'drop':
      return end(way, state, dropped(at));
    case 'reject':
      return end(way, state, rejected(way.context, verdict.with, at));
    case 'gave-up':
      return end(way, state, notFollowed(at));
    case 'unknown':
      return end(way, state, unknown(at, verdict.why));
    // nf_tables and iptables take rewritings in nat chains alone.
    case 'accept':
    case 'mapped':
      return end(way, state, unknown(at, 'a rewriting in a chain that is not one of nat'));
  }
};

const goesOn = ({ verdict }: HookExit): boolean => verdict.kind === 'accept' || verdict.kind === 'mapped';

/**
 * Chains one after another, for packets that each of them accepts; in nat chains the first mapping is the last word.
 */
const visitInOrder = (context: Context, hook: Hook, chains: readonly BaseAt[], state: State): readonly HookExit[] => {
  const done: HookExit[] = [];
  let here: readonly State[] = [state];
  for (const base of chains) {
    const { table, chain, priority } = base;
    const reroutes = hook === 'output' && isRouteChain(base);
    const next: State[] = [];
    for (const one of here) {
      const at: Place = { kind: 'rule', table, chain, number: 'policy' };
      const entered = context.recording
        ? recorded(context, one, { kind: 'hop', hook, at, priority, header: headerOf(one) })
        : one;
      for (const visited of visitBaseChain(context, table, chain, hook, entered))
        for (const result of reroutes ? routedAgain(context, one, visited) : [visited])
          if (result.verdict.kind === 'accept') next.push(result.state);
          else done.push(result);
    }
    here = context.recording ? next : merged(next);
  }
  const [last] = chains.slice(-1);
  const at: Place =
    last === undefined
      ? { kind: 'routing', family: context.family, table: '', text: '' }
      : { kind: 'rule', table: last.table, chain: last.chain, number: 'policy' };
  return [...done, ...here.map((one): HookExit => ({ state: one, verdict: { kind: 'accept' }, at }))];
};

const sameEnd = (a: HookExit, b: HookExit): boolean =>
  a.verdict.kind === b.verdict.kind &&
  (a.verdict.kind !== 'reject' || (b.verdict.kind === 'reject' && a.verdict.with === b.verdict.with)) &&
  (a.verdict.kind !== 'unroutable' || (b.verdict.kind === 'unroutable' && a.verdict.error === b.verdict.error)) &&
  (!goesOn(a) || sameFuture(a.state, b.state)) &&
  a.state.weight.over === b.state.weight.over &&
  a.state.weight.of === b.state.weight.of &&
  equals(a.state.sources, b.state.sources);

const sameEnds = (a: readonly HookExit[], b: readonly HookExit[]): boolean =>
  a.length === b.length && a.every((one) => b.some((other) => sameEnd(one, other)));

/** The chains of one priority. Where nobody knows their order and it makes a difference, each order is a branch. */
const visitGroup = (context: Context, hook: Hook, { orders }: Group, state: State): readonly HookExit[] => {
  const [first, ...others] = orders;
  if (first === undefined) return [{ state, verdict: { kind: 'accept' }, at: nowhere(context) }];
  const results = visitInOrder(context, hook, first, state);
  if (others.length === 0) return results;
  const alternatives = others.map((order) => visitInOrder(context, hook, order, state));
  if (alternatives.every((other) => sameEnds(results, other))) return results;
  return orders.flatMap((order) => {
    const [runsFirst] = order;
    if (runsFirst === undefined) return [];
    const at: Place = { kind: 'rule', table: runsFirst.table, chain: runsFirst.chain, number: 'policy' };
    const why = order.map(({ table, chain }) => `${table.family} ${table.name} ${chain.name}`).join(' before ');
    const branch = assumingThat(context, state, { at, what: 'order', holds: true, why });
    return visitInOrder(context, hook, order, branch);
  });
};

const nowhere = ({ family }: Context): Place => ({ kind: 'routing', family, table: '', text: '' });

type Then = (state: State) => void;

/** A hook: what is called there, one after another; `then` for the packets that all let pass. */
const runHook = (way: Way, hook: Hook, state: State, then: Then): void => {
  const { context } = way;
  runCalls(way, hook, hookCalls(context.ruleset, context.family, hook, context.order), 0, state, then);
};

const runCalls = (way: Way, hook: Hook, calls: readonly Called[], from: number, state: State, then: Then): void => {
  const call = calls[from];
  if (call === undefined) return then(state);
  const onward: Then = (next) => runCalls(way, hook, calls, from + 1, next, then);
  switch (call.kind) {
    case 'conntrack':
      return onward(trackPacket(way.context, state));
    case 'nat':
      return runNat(way, hook, call.groups, state, onward);
    case 'ipvs-replies':
      return runIpvsReplies(way, hook, state, onward);
    case 'ipvs':
      return runIpvs(way, hook, state, onward);
    case 'chains':
      for (const result of visitGroup(way.context, hook, call.group, state))
        if (goesOn(result)) onward(result.state);
        else finish(way, result);
  }
};

const runNat = (way: Way, hook: Hook, groups: readonly Group[], state: State, then: Then): void => {
  const { context } = way;
  const asked = natAsked(state, hook);
  if (asked !== 'asked') {
    const skipped = groups.length === 0 ? state : recorded(context, state, { kind: 'nat-skipped', hook, why: asked });
    const changed = translated(skipped, hook);
    if (changed === null) return afterNat(way, hook, state, skipped, then);
    const told = recorded(context, changed, { kind: 'translated', hook, by: 'nat', header: headerOf(changed) });
    return afterNat(way, hook, state, told, then);
  }
  let here: readonly State[] = [state];
  for (const group of groups) {
    const next: State[] = [];
    for (const one of here)
      for (const result of visitGroup(context, hook, group, one))
        if (result.verdict.kind === 'accept') next.push(result.state);
        else if (result.verdict.kind === 'mapped') afterNat(way, hook, one, natDone(result.state, hook), then);
        else finish(way, result);
    here = next;
  }
  for (const one of here) then(natDone(one, hook));
};

/**
 * An output packet of a connection with a new destination is routed again (net/netfilter/nf_nat_proto.c,
 * nf_nat_ipv4_local_fn); later output chains still see the old device. What IPVS sends on is such a one, though its
 * route was found before.
 */
const afterNat = (way: Way, hook: Hook, before: State, after: State, then: Then): void => {
  const { ruleset, family } = way.context;
  if (hook !== 'output') return then(after);
  if (before.destination !== after.destination) return rerouted(way, after, then);
  if (!isRedirected(after) || !hasNat(ruleset, family)) return then(after);
  // That it stays where it was going is not worth a word.
  for (const one of routeOutput(way.context, after))
    if (staysOn(one, after)) then(after);
    else settle(way, 'again', [one], then);
};

const staysOn = ({ decision }: Routed, { route }: State): boolean =>
  'route' in decision && sameRoute(decision.route, route);

const routeStep = (context: Context, when: LookUp, { state, decision, place }: Routed): State => {
  if (!context.recording) return state;
  const known = decision.kind === 'local' || decision.kind === 'forward' ? decision : null;
  return recorded(context, state, {
    kind: 'route',
    when,
    at: place,
    decision: decision.kind,
    out: known?.route.device ?? null,
    nextHop: known?.route.nextHop ?? null,
    source: known?.source ?? null,
  });
};

/** What a look-up came to: refused packets end, the others go on with their route. */
const withRoute = (context: Context, when: LookUp, routed: readonly Routed[]): readonly HookExit[] =>
  routed.map((one): HookExit => {
    const { share, decision, place: at } = one;
    const chosen = share === null ? one.state : byChance(context, one.state, at, 'hash', share);
    const state = routeStep(context, when, { ...one, state: chosen });
    if (decision.kind === 'refused') return { state, verdict: { kind: 'unroutable', error: decision.error }, at };
    if (decision.kind === 'unknown')
      return { state, verdict: { kind: 'unknown', why: 'the route cannot be told' }, at };
    return { state: { ...state, route: decision.route }, verdict: { kind: 'accept' }, at };
  });

const settle = (way: Way, when: LookUp, routed: readonly Routed[], then: Then): void => {
  for (const result of withRoute(way.context, when, routed))
    if (goesOn(result)) then(result.state);
    else finish(way, result);
};

/** Chains of type route look the route up again where they changed what it depends on. */
const isRouteChain = ({ chain }: BaseAt): boolean => chain.base?.type === 'route';

/** net/netfilter/nft_chain_route.c and iptable_mangle.c; the hop limit in ip6 alone. */
const routeDepends = ({ family }: Context, before: State, after: State): boolean =>
  before.mark !== after.mark ||
  before.destination !== after.destination ||
  before.dscp !== after.dscp ||
  (family === 6 && before.ttl !== after.ttl);

/**
 * A visit of a chain of type route, and the look-up that it brings about. Later output chains still see the old device.
 */
const routedAgain = (context: Context, before: State, visited: ChainExit): readonly HookExit[] =>
  visited.verdict.kind === 'accept' && routeDepends(context, before, visited.state)
    ? withRoute(context, 'again', routeOutput(context, visited.state))
    : [visited];

/** net/ipv4/ip_forward.c, net/ipv6/ip6_output.c (ip6_forward). */
const EXPIRED = (family: 4 | 6): Place => ({
  kind: 'routing',
  family,
  table: '',
  text: family === 4 ? 'the time to live ends here' : 'the hop limit ends here',
});

/**
 * Counts down what a packet has left to live before the node sends it on for somebody else; null: it ends here, with an
 * answer.
 */
const countedDown = (way: Way, state: State): State | null => {
  if (state.ttl === undefined) return state;
  if (state.ttl > 1n) return { ...state, ttl: state.ttl - 1n };
  end(way, state, unroutable('time-exceeded', EXPIRED(way.context.family)));
  return null;
};

const rerouted = (way: Way, state: State, then: Then): void =>
  settle(way, 'again', routeOutput(way.context, state), then);

/**
 * IPVS at input and at output: what it takes over leaves by output and postrouting, or goes on here where its server is
 * this node.
 */
const runIpvs = (way: Way, hook: Hook, state: State, then: Then): void => {
  const { context } = way;
  for (const result of balance(context, state))
    switch (result.kind) {
      case 'passed':
        then(result.state);
        break;
      case 'refused':
        end(
          way,
          recorded(context, result.state, { kind: 'ipvs', hook, at: result.at, to: null }),
          rejected(context, 'port-unreachable', result.at),
        );
        break;
      case 'unknown':
        end(way, result.state, unknown(result.at, result.why));
        break;
      case 'balanced': {
        const { server, at } = result;
        const to = { address: server.address.value, port: result.state.ipvs?.port ?? null };
        const taken = recorded(context, result.state, { kind: 'ipvs', hook, at, to });
        // Direct routing asks for the way to the server, and leaves the packet as it is.
        settle(way, 'output', routeToServer(context, taken, server.address.value), (routed) => {
          const next: State = { ...routed, destination: taken.destination };
          if (routed.route?.local === true) return then(next);
          // ip_vs_xmit.c, decrement_ttl.
          const counted = countedDown(way, next);
          if (counted !== null) sendOut(way, counted);
        });
      }
    }
};

/**
 * The answer of a server gets the address of its service, and goes on as if the node itself had sent it (ip_vs_core.c,
 * handle_response).
 */
const runIpvsReplies = (way: Way, hook: Hook, state: State, then: Then): void => {
  const { context } = way;
  const answer = fromService(context, state);
  if (answer === null) return then(state);
  const told = recorded(context, answer, { kind: 'translated', hook, by: 'ipvs', header: headerOf(answer) });
  if (hook === 'input' || sysctl(context.index, 'net.ipv4.vs.snat_reroute') === '0') then(told);
  else rerouted(way, told, then);
};

/** Output, for packets that have their route. */
const sendOut = (way: Way, state: State): void =>
  runHook(way, 'output', { ...state, in: '', out: state.route?.device ?? '' }, (next) => leave(way, next));

/** Postrouting, and out; what is for the node itself comes in again by lo. */
const leave = (way: Way, state: State): void => {
  const out = state.route?.device ?? '';
  const from = isBridgedBack(way.context, state) ? '' : state.arrived;
  runHook(way, 'postrouting', { ...state, in: from, out }, (next) => {
    const done = confirmed(next);
    if (done.route?.local === true) loopBack(way, done);
    else end(way, done, left(way.context, done));
  });
};

/**
 * A packet whose new destination is behind the bridge that it came by never leaves the bridge, where iptables is called
 * for bridged packets: postrouting is told of no incoming device (net/bridge/br_netfilter_hooks.c,
 * br_nf_pre_routing_finish, br_nf_post_routing).
 */
const isBridgedBack = ({ index, family }: Context, { arrived: from, route, chosen }: State): boolean =>
  from !== '' &&
  route?.device === from &&
  chosen !== null &&
  chosen.how !== 'ipvs' &&
  sysctl(index, `net.bridge.bridge-nf-call-${family === 4 ? 'iptables' : 'ip6tables'}`) === '1' &&
  !isAbsent(index.host.links) &&
  index.host.links.some(({ master }) => master === from);

const loopBack = (way: Way, state: State): void =>
  runHook(way, 'prerouting', { ...state, in: 'lo', out: '', arrived: 'lo', hasSocket: false }, (next) => {
    // The route goes with the packet over lo; only a new destination is looked up again (nf_nat_ipv4_pre_routing).
    if (next.destination === state.destination) return receive(way, next);
    settle(way, 'input', routeInput(way.context, next), (routed) => decideInput(way, routed));
  });

const receive = (way: Way, state: State): void =>
  runHook(way, 'input', { ...state, out: '' }, (next) => {
    const done = confirmed(next);
    const { context } = way;
    const place: Place = state.route?.place ?? nowhere(context);
    const listener = listens(context, done);
    const told = recorded(context, done, { kind: 'socket', at: place, listener });
    end(way, told, arrived(context, told, place));
  });

const decideInput = (way: Way, state: State): void => {
  if (state.route?.local === true) return receive(way, state);
  const out = state.route?.device ?? '';
  // The time to live is counted down before the hook (net/ipv4/ip_forward.c).
  const counted = countedDown(way, state);
  if (counted !== null) runHook(way, 'forward', { ...counted, out }, (next) => leave(way, next));
};

/** A packet that comes in by an interface. */
const comeIn = (way: Way, state: State): void => {
  const { refused, rest } = refusedOnArrival(way.context, state);
  settle(way, 'input', refused, () => {});
  if (rest === null) return;
  runHook(way, 'prerouting', rest, (next) =>
    settle(way, 'input', routeInput(way.context, next), (routed) => decideInput(way, routed)),
  );
};

/** All ends of a packet's way. */
export const travel = (context: Context, state: State): readonly Arrival[] => {
  const way: Way = { context, ends: [] };
  if (context.packet.entry.kind === 'node')
    settle(way, 'output', routeOutput(context, state), (routed) => sendOut(way, routed));
  else comeIn(way, state);
  return way.ends;
};
