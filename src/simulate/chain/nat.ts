import { fraction } from '../../lower/fraction.ts';
import type { Hook } from '../../ruleset/hook.ts';
import type { NatStep } from '../../lower/step.ts';
import type { AnyTable } from '../../ruleset/table.ts';
import { byChance, type Context } from '../state/context.ts';
import type { Place } from '../state/place.ts';
import { rangeOfReading } from '../match/read-source.ts';
import { addressFor, redirectAddress } from '../host/source-address.ts';
import { ANY_PORT, destinationOf, onePort, SOURCES, thePort, type Connection, type State } from '../state/state.ts';
import type { Effect } from '../state/trace.ts';

/** What a rewriting came to. */
export type Mapped =
  | { readonly kind: 'mapped'; readonly state: State; readonly effect: Effect }
  /**
   * There is no address to rewrite to: the packet is dropped (net/netfilter/nf_nat_masquerade.c, nf_nat_redirect.c).
   */
  | { readonly kind: 'dropped'; readonly state: State }
  /** The map that it reads has no such key: the rule does not match. */
  | { readonly kind: 'no-match'; readonly state: State }
  | { readonly kind: 'unknown'; readonly state: State; readonly why: string };

/** Addresses or ports that are branched over one by one; of larger ranges nobody knows which one it is. */
const MOST_CHOICES = 64n;

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

const LOCALHOST = { 4: 0x7f00_0001n, 6: 1n } as const;

/** Which address a rewriting without one takes; null: none; undefined: cannot be told. */
const implied = (context: Context, state: State, hook: Hook, how: NatStep['how']): bigint | null | undefined => {
  if (how === 'redirect')
    return hook === 'output'
      ? LOCALHOST[context.family]
      : redirectAddress(context.index, state.in, destinationOf(state));
  if (how === 'masquerade') return addressFor(context.index, state.out, nextHop(state));
  return null;
};

/** What masquerade looks for: an address in the network of the next hop. */
const nextHop = (state: State): bigint => state.route?.nextHop ?? destinationOf(state);

const HOW_DESTINATION: ReadonlySet<NatStep['how']> = new Set(['dnat', 'redirect']);

/** Whether a rewriting is of the destination. */
export const isDestinationNat = (how: NatStep['how'], hook: Hook): boolean =>
  how === 'netmap' ? hook === 'prerouting' || hook === 'output' : HOW_DESTINATION.has(how);

const choices = ({ first, last }: Range): readonly bigint[] | null =>
  last - first >= MOST_CHOICES ? null : Array.from({ length: Number(last - first) + 1 }, (_, at) => first + BigInt(at));

/**
 * Carries out a rewriting, once for each address or port that it may choose (the kernel chooses among addresses by a
 * hash, net/netfilter/nf_nat_core.c, find_best_ips_proto).
 */
export const applyNat = (
  context: Context,
  table: AnyTable,
  state: State,
  hook: Hook,
  step: NatStep,
  at: Place,
): readonly Mapped[] => {
  const { how, to } = step;
  const address = to.address === null ? null : rangeOfReading(context, table, state, to.address);
  const port = to.port === null ? null : rangeOfReading(context, table, state, to.port);
  if ((to.address !== null && address === null) || (to.port !== null && port === null))
    return [{ kind: 'no-match', state }];
  if (address === undefined) return [{ kind: 'unknown', state, why: `${how} to an address that cannot be told` }];
  const destination = isDestinationNat(how, hook);
  if (how === 'netmap') return [mapNetwork(context, state, destination, address, at)];
  let addresses: readonly (bigint | null)[] | null = [null];
  if (address !== null) addresses = choices(address);
  else if (how === 'redirect' || how === 'masquerade') {
    const chosen = implied(context, state, hook, how);
    if (chosen === undefined) return [{ kind: 'unknown', state, why: `${how}: no dump tells the addresses` }];
    if (chosen === null) return [{ kind: 'dropped', state }];
    addresses = [chosen];
  }
  if (addresses === null) return [{ kind: 'unknown', state, why: `${how} to one of many addresses` }];
  const share = fraction(1n, BigInt(addresses.length));
  return addresses.flatMap((chosen) => {
    const here = addresses.length === 1 ? state : byChance(context, state, at, 'address', share);
    return destination
      ? mapDestination(context, here, chosen, port, step, at)
      : [mapSource(context, here, chosen, port, step)];
  });
};

const connectionOf = (state: State): Connection | null =>
  state.connection === null || typeof state.connection === 'string' ? null : state.connection;

const endpoint = (address: State['source'], port: number | null | undefined) => ({
  address: typeof address === 'bigint' ? address : 0n,
  port: port ?? null,
});

const mapDestination = (
  context: Context,
  state: State,
  chosen: bigint | null,
  port: Range | null | undefined,
  { how, random }: NatStep,
  at: Place,
): readonly Mapped[] => {
  const before = { address: destinationOf(state), port: state.destinationPort ?? null };
  const address = chosen ?? destinationOf(state);
  const finish = (here: State, newPort: State['destinationPort']): Mapped => {
    const connection = connectionOf(here);
    const changed = address !== here.destination || newPort !== here.destinationPort;
    return {
      kind: 'mapped',
      effect: { kind: 'nat', how, from: before, to: { address, port: newPort ?? null } },
      state: {
        ...here,
        destination: address,
        destinationPort: newPort,
        chosen: { at, how },
        connection:
          connection === null
            ? here.connection
            : {
                ...connection,
                dnatDone: true,
                dnat: connection.dnat || changed,
                reply: {
                  ...connection.reply,
                  source: address,
                  sourcePort: typeof newPort === 'number' ? onePort(newPort) : newPort === null ? [] : ANY_PORT,
                },
              },
      },
    };
  };
  const own = state.destinationPort;
  if (own === null || port === null) return [finish(state, own)];
  if (port === undefined) return [finish(state, undefined)];
  if (port.first === port.last) return [finish(state, Number(port.first))];
  // A port that lies in the range is kept (nf_nat_core.c, get_unique_tuple).
  if (!random && own !== undefined && own >= Number(port.first) && own <= Number(port.last))
    return [finish(state, own)];
  const ports = choices(port);
  if (ports === null) return [finish(state, undefined)];
  const share = fraction(1n, BigInt(ports.length));
  return ports.map((one) => finish(byChance(context, state, at, 'random', share), Number(one)));
};

const mapSource = (
  _context: Context,
  state: State,
  chosen: bigint | null,
  port: Range | null | undefined,
  { how, random }: NatStep,
): Mapped => {
  const connection = connectionOf(state);
  const source = chosen ?? state.source;
  const sourcePort =
    state.sourcePort.length === 0
      ? state.sourcePort
      : port === undefined || (random && port === null)
        ? ANY_PORT
        : port === null
          ? state.sourcePort
          : [{ first: Number(port.first), last: Number(port.last) }];
  // A random port, or identifier of an echo request, is another one.
  const changed =
    random ||
    source !== (state.source === SOURCES ? (state.point ?? SOURCES) : state.source) ||
    sourcePort !== state.sourcePort;
  return {
    kind: 'mapped',
    effect: {
      kind: 'nat',
      how,
      from: endpoint(state.source === SOURCES ? (state.point ?? undefined) : state.source, thePort(state.sourcePort)),
      to: endpoint(source === SOURCES ? (state.point ?? undefined) : source, thePort(sourcePort)),
    },
    state: {
      ...state,
      source,
      sourcePort,
      translatedSource: state.translatedSource || changed,
      connection:
        connection === null
          ? state.connection
          : {
              ...connection,
              snatDone: true,
              snat: connection.snat || changed,
              reply: { ...connection.reply, destination: source, destinationPort: sourcePort },
            },
    },
  };
};

/** NETMAP keeps the host part (net/netfilter/xt_NETMAP.c); the range is the network. */
const mapNetwork = (context: Context, state: State, destination: boolean, range: Range | null, at: Place): Mapped => {
  if (range === null) return { kind: 'unknown', state, why: 'netmap without a network' };
  const hosts = range.first ^ range.last;
  const shift = (address: bigint): bigint => range.first | (address & hosts);
  const step: NatStep = {
    kind: 'nat',
    how: 'netmap',
    to: { address: null, port: null },
    random: false,
    persistent: false,
  };
  if (destination) {
    const [mapped] = mapDestination(context, state, shift(destinationOf(state)), null, step, at);
    return mapped ?? { kind: 'no-match', state };
  }
  const source = state.source === SOURCES ? state.point : state.source;
  if (typeof source !== 'bigint') return { kind: 'unknown', state, why: 'netmap of a set of sources' };
  return mapSource(context, state, shift(source), null, step);
};
