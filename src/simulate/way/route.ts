import {
  difference,
  emptySet,
  intersection,
  isEmpty,
  setOfRanges,
  union,
  type PrefixSet,
} from '../../net/prefix-set.ts';
import { fraction } from '../../lower/fraction.ts';
import type { Route } from '../../ruleset/host.ts';
import type { Fraction } from '../../lower/step.ts';
import type { Context } from '../state/context.ts';
import { fibLookup, fibPartition, type FibKey, type FibResult } from '../host/fib.ts';
import { linkLevel, linkSwitch, sysctl, type HostIndex } from '../host/host-index.ts';
import type { Place } from '../state/place.ts';
import { addressFor } from '../host/source-address.ts';
import { destinationOf, SOURCES, thePort, type State, type StateRoute } from '../state/state.ts';

/** Where the routing sends some packets. */
export interface Routed {
  readonly state: State;
  /** Of several ways of one route: how often it is this one; null: the only one. */
  readonly share: Fraction | null;
  readonly decision:
    | { readonly kind: 'local' | 'forward'; readonly route: StateRoute; readonly source: bigint | null }
    /** How the sender hears of it; silent: not at all. */
    | { readonly kind: 'refused'; readonly error: 'net-unreachable' | 'host-unreachable' | 'prohibited' | 'silent' }
    | { readonly kind: 'unknown' };
  readonly place: Place;
}

const placeOf = (index: HostIndex, table: string, text: string, device: string | null = null): Place => ({
  kind: 'routing',
  family: index.family,
  table,
  text,
  device,
});

const keyOf = (context: Context, state: State, from: string): FibKey => ({
  source: state.source === SOURCES ? (state.point ?? 'set') : (state.source ?? 'set'),
  mark: state.mark,
  in: from,
  protocol: context.packet.protocol,
  sourcePort: thePort(state.sourcePort),
  destinationPort: state.destinationPort ?? null,
});

const textOf = ({ text, to, via, device }: Route): string =>
  text || `${to.length} via ${via?.value ?? ''} ${device ?? ''}`;

/** The ways that a route has, with how often each is taken (by a hash of the flow). */
const waysOf = (
  route: Route,
): readonly { readonly device: string; readonly via: bigint | null; readonly share: Fraction | null }[] => {
  if (route.hops.length === 0) return [{ device: route.device ?? '', via: route.via?.value ?? null, share: null }];
  const sum = route.hops.reduce((total, { weight }) => total + weight, 0);
  return route.hops.map(({ via, device, weight }) => ({
    device: device ?? '',
    via: via?.value ?? null,
    share: route.hops.length === 1 ? null : fraction(BigInt(weight), BigInt(sum)),
  }));
};

const LOCAL_TYPES: ReadonlySet<Route['type']> = new Set(['local', 'broadcast', 'anycast', 'multicast']);

/** What a look-up's result means for packets of a state. */
const decide = (context: Context, state: State, result: FibResult, chooseSource: boolean): readonly Routed[] => {
  const { index } = context;
  switch (result.kind) {
    case 'unknown':
      return [{ state, share: null, decision: { kind: 'unknown' }, place: placeOf(index, '', result.text) }];
    case 'none':
      return [
        {
          state,
          share: null,
          decision: { kind: 'refused', error: result.error },
          place: placeOf(index, '', result.text),
        },
      ];
    case 'route': {
      const { route, table } = result;
      const place = placeOf(index, table, textOf(route), route.device);
      const local =
        LOCAL_TYPES.has(route.type) && !(chooseSource && route.type !== 'local' && route.type !== 'anycast');
      return waysOf(route).map(({ device, via, share }) => ({
        state,
        share,
        place,
        decision: {
          kind: local ? 'local' : 'forward',
          source: chooseSource ? chosenSource(index, state, route, local, device, via) : null,
          route: {
            local,
            device: local ? 'lo' : device,
            nextHop: via,
            place,
            isDefault: route.to.length === 0,
          },
        },
      }));
    }
  }
};

/**
 * The source that the kernel gives to a packet of its own (net/ipv4/fib_semantics.c, fib_result_prefsrc;
 * net/ipv6/route.c, ip6_route_get_saddr).
 */
const chosenSource = (
  index: HostIndex,
  state: State,
  route: Route,
  local: boolean,
  device: string,
  via: bigint | null,
): bigint | null => {
  if (route.source !== null) return route.source.value;
  if (local) return destinationOf(state);
  return addressFor(index, device, via ?? destinationOf(state)) ?? null;
};

const withSources = (state: State, sources: PrefixSet | null): State =>
  sources === null || sources === state.sources ? state : { ...state, sources };

const isOpen = (state: State): boolean => state.source === SOURCES && state.point === null;

/**
 * A look-up for packets that IPVS sends on: it asks for the server's address alone, whatever the packet's source, mark
 * and ports (net/netfilter/ipvs/ip_vs_xmit.c, do_output_route4, __ip_vs_route_output_v6).
 */
export const routeToServer = (context: Context, state: State, server: bigint): readonly Routed[] => {
  const key: FibKey = { source: 0n, mark: 0n, in: 'lo', protocol: 0, sourcePort: 0, destinationPort: 0 };
  const asked = { ...state, destination: server };
  return fibLookup(context.index, server, key, null).flatMap(({ result }) => decide(context, asked, result, true));
};

/** A look-up for packets of the node itself. */
export const routeOutput = (context: Context, state: State): readonly Routed[] =>
  fibLookup(
    context.index,
    destinationOf(state),
    keyOf(context, state, 'lo'),
    isOpen(state) ? state.sources : null,
  ).flatMap(({ sources, result }) => decide(context, withSources(state, sources), result, true));

const range = (family: 4 | 6, first: bigint, last: bigint): PrefixSet => setOfRanges(family, [{ first, last }]);

/**
 * Sources that no packet from outside may have (net/ipv4/route.c, ip_route_input_slow; net/ipv6/ip6_input.c,
 * ip6_rcv_core).
 */
const ZERO_NET = range(4, 0n, 0xff_ffffn);
const LOOPBACK4 = range(4, 0x7f00_0000n, 0x7fff_ffffn);
const GROUPS4 = union(range(4, 0xe000_0000n, 0xefff_ffffn), range(4, 0xffff_ffffn, 0xffff_ffffn));
const LOOPBACK6 = range(6, 1n, 1n);
const NEVER6 = union(range(6, 0xffn << 120n, (1n << 128n) - 1n), range(6, 0xffff_0000_0000n, 0xffff_ffff_ffffn));
const LINK_LOCAL6 = range(6, 0xfe80n << 112n, (0xfe80n << 112n) | ((1n << 118n) - 1n));
const UNSPECIFIED6 = range(6, 0n, 0n);

/** Splits packets by their source: those that a check refuses, and the others. */
const refuse = (
  context: Context,
  state: State,
  refused: PrefixSet,
  text: string,
  error: 'silent' | 'host-unreachable' = 'silent',
): { readonly refused: readonly Routed[]; readonly rest: State | null } => {
  const own = typeof state.source === 'bigint' ? range(context.family, state.source, state.source) : state.sources;
  const bad = intersection(own, refused);
  if (isEmpty(bad)) return { refused: [], rest: state };
  const good = typeof state.source === 'bigint' ? emptySet(context.family) : difference(own, refused);
  const here = typeof state.source === 'bigint' ? state : withSources(state, bad);
  return {
    refused: [
      { state: here, share: null, decision: { kind: 'refused', error }, place: placeOf(context.index, '', text) },
    ],
    rest: isEmpty(good) ? null : withSources(state, good),
  };
};

/** IPv6 packets that are thrown away before any hook. */
export const refusedOnArrival = (
  context: Context,
  state: State,
): { readonly refused: readonly Routed[]; readonly rest: State | null } => {
  if (context.family === 4 || state.in === 'lo') return { refused: [], rest: state };
  if (destinationOf(state) === 1n)
    return refuse(context, state, range(6, 0n, (1n << 128n) - 1n), 'martian destination: the loopback address');
  return refuse(context, state, union(NEVER6, LOOPBACK6), 'martian source: no packet from outside has it');
};

const refusedText = 'martian source';

/** The routing decision for a packet that came in: checks of its addresses, the look-up, the check of its source. */
export const routeInput = (context: Context, state: State): readonly Routed[] => {
  const { index, family } = context;
  if (family === 6) return routeInput6(context, state);
  const localnet = linkSwitch(index, state.in, 'route_localnet');
  const never = localnet ? union(GROUPS4, ZERO_NET) : union(union(GROUPS4, ZERO_NET), LOOPBACK4);
  const { refused, rest } = refuse(context, state, never, `${refusedText}: no packet from outside has it`);
  if (rest === null) return refused;
  const destination = destinationOf(rest);
  const everything = range(4, 0n, 0xffff_ffffn);
  if (destination >> 24n === 0n || (destination >> 24n === 127n && !localnet))
    return [...refused, ...refuse(context, rest, everything, 'martian destination').refused];
  return [
    ...refused,
    ...fibLookup(index, destination, keyOf(context, rest, rest.in), isOpen(rest) ? rest.sources : null).flatMap(
      ({ sources, result }) => input4(context, withSources(rest, sources), result),
    ),
  ];
};

const isForwarding = (index: HostIndex, link: string): boolean =>
  index.family === 4
    ? (sysctl(index, `net.ipv4.conf.${link}.forwarding`) ?? sysctl(index, 'net.ipv4.ip_forward') ?? '1') !== '0'
    : (sysctl(index, 'net.ipv6.conf.all.forwarding') ?? '1') !== '0';

const input4 = (context: Context, state: State, result: FibResult): readonly Routed[] => {
  const { index } = context;
  if (result.kind === 'unknown') return decide(context, state, result, false);
  const type = result.kind === 'route' ? result.route.type : null;
  if (type !== 'local' && type !== 'broadcast' && !isForwarding(index, state.in))
    return refuse(context, state, range(4, 0n, 0xffff_ffffn), `forwarding is off on ${state.in}`).refused;
  if (result.kind === 'none') return decide(context, state, result, false);
  if (type === 'unicast' || type === 'local' || type === 'broadcast') {
    const device = type === 'unicast' ? result.route.device : null;
    const { refused, rest } = validateSource(context, state, device);
    return [...refused, ...(rest === null ? [] : decide(context, rest, result, false))];
  }
  return refuse(context, state, range(4, 0n, 0xffff_ffffn), 'martian destination').refused;
};

const hasOwnRules = ({ rules }: HostIndex): boolean =>
  rules.length !== 3 ||
  rules.some(({ priority, action }) => action.kind !== 'lookup' || ![0, 32_766, 32_767].includes(priority));

/**
 * net/ipv4/fib_frontend.c, fib_validate_source: own addresses are refused as source, and with rp_filter what has no way
 * back.
 */
const validateSource = (
  context: Context,
  state: State,
  out: string | null,
): { readonly refused: readonly Routed[]; readonly rest: State | null } => {
  const { index } = context;
  const filter = linkLevel(index, state.in, 'rp_filter');
  const acceptLocal = linkSwitch(index, state.in, 'accept_local');
  const redirects = out === state.in && linkSwitch(index, state.in, 'send_redirects');
  if (filter === 0 && !hasOwnRules(index) && !redirects) {
    if (acceptLocal) return { refused: [], rest: state };
    return refuse(context, state, index.localSet, `${refusedText}: an address of this node`);
  }
  const source = typeof state.source === 'bigint' ? range(4, state.source, state.source) : state.sources;
  const useMark = linkSwitch(index, state.in, 'src_valid_mark');
  const key: FibKey = {
    source: destinationOf(state),
    mark: useMark ? state.mark : 0n,
    in: out ?? 'lo',
    protocol: context.packet.protocol,
    sourcePort: null,
    destinationPort: null,
  };
  const hasAddress = index.addresses === null || index.byLink.has(state.in);
  let bad = emptySet(4);
  for (const { set, result } of fibPartition(index, source, key))
    if (isRefused(result, state.in, filter, acceptLocal, hasAddress)) bad = union(bad, set);
  return refuse(context, state, bad, `${refusedText}: rp_filter = ${filter} on ${state.in}`);
};

const isRefused = (
  result: FibResult,
  link: string,
  filter: number,
  acceptLocal: boolean,
  hasAddress: boolean,
): boolean => {
  if (result.kind === 'unknown') return false;
  if (result.kind === 'none') return filter > 0;
  const { type, device, hops } = result.route;
  if (type !== 'unicast' && !(type === 'local' && acceptLocal)) return true;
  if (device === link || hops.some((hop) => hop.device === link)) return false;
  return hasAddress ? filter === 1 : filter > 0;
};

const routeInput6 = (context: Context, state: State): readonly Routed[] => {
  const { index } = context;
  return fibLookup(
    index,
    destinationOf(state),
    keyOf(context, state, state.in),
    isOpen(state) ? state.sources : null,
  ).flatMap(({ sources, result }) => {
    const here = withSources(state, sources);
    const isLocal = result.kind === 'route' && LOCAL_TYPES.has(result.route.type);
    if (isLocal || result.kind === 'unknown') return decide(context, here, result, false);
    if (!isForwarding(index, state.in))
      return refuse(context, here, range(6, 0n, (1n << 128n) - 1n), 'forwarding is off').refused;
    if (result.kind === 'none') return decide(context, here, result, false);
    // net/ipv6/ip6_output.c, ip6_forward: what must not leave its link.
    const { refused, rest } = refuse(
      context,
      here,
      union(union(LOOPBACK6, UNSPECIFIED6), LINK_LOCAL6),
      `${refusedText}: it must not leave its link`,
    );
    return [...refused, ...(rest === null ? [] : decide(context, rest, result, false))];
  });
};
