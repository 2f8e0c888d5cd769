import { WIDTH } from '../../net/family.ts';
import { rangeOf } from '../../net/prefix.ts';
import {
  difference,
  emptySet,
  intersection,
  isEmpty,
  setOfPrefixes,
  union,
  type PrefixSet,
} from '../../net/prefix-set.ts';
import { PROTOCOL_NUMBER, type Protocol } from '../../net/protocol.ts';
import type { Route, RoutingRule } from '../../ruleset/host.ts';
import type { HostIndex, RouteTable } from './host-index.ts';

/** What a look-up asks with, besides the destination. */
export interface FibKey {
  /** null: not chosen yet; `set`: one of a set. */
  readonly source: bigint | null | 'set';
  /** undefined: cannot be told. */
  readonly mark: bigint | undefined;
  /** `lo` for packets of the node itself. */
  readonly in: string;
  readonly protocol: number;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
}

export type FibResult =
  | { readonly kind: 'route'; readonly route: Route; readonly table: string }
  | {
      readonly kind: 'none';
      readonly error: 'net-unreachable' | 'host-unreachable' | 'prohibited' | 'silent';
      readonly text: string;
    }
  | { readonly kind: 'unknown'; readonly text: string };

const NO_ROUTE: FibResult = { kind: 'none', error: 'net-unreachable', text: 'no route' };
const NOT_TOLD: FibResult = { kind: 'unknown', text: 'no dump told the routes' };

const ROUTE_ERROR = { unreachable: 'host-unreachable', prohibit: 'prohibited', blackhole: 'silent' } as const;

const resultOf = (route: Route, table: string): FibResult =>
  route.type === 'unreachable' || route.type === 'prohibit' || route.type === 'blackhole'
    ? { kind: 'none', error: ROUTE_ERROR[route.type], text: route.text }
    : { kind: 'route', route, table };

const protocolNumber = (name: string): number => PROTOCOL_NUMBER[name as Protocol] ?? Number(name);

const within = (
  port: number | null,
  range: { readonly first: number; readonly last: number } | null,
): boolean | undefined =>
  range === null ? true : port === null ? undefined : port >= range.first && port <= range.last;

const inPrefix = (value: bigint, prefix: NonNullable<RoutingRule['to']>): boolean => {
  const { first, last } = rangeOf(prefix);
  return value >= first && value <= last;
};

/** Whether a policy rule applies, its source aside; undefined: cannot be told. */
const applies = (rule: RoutingRule, destination: bigint | 'set', key: FibKey): boolean | undefined => {
  const parts: readonly (boolean | undefined)[] = [
    rule.unknown.length === 0 ? true : undefined,
    rule.to === null ? true : destination === 'set' ? undefined : inPrefix(destination, rule.to),
    rule.mark === null
      ? true
      : key.mark === undefined
        ? undefined
        : (key.mark & BigInt(rule.mark.mask)) === BigInt(rule.mark.value),
    rule.in === null || rule.in === key.in,
    rule.out === null,
    rule.protocol === null || protocolNumber(rule.protocol) === key.protocol,
    within(key.sourcePort, rule.sourcePorts),
    within(key.destinationPort, rule.destinationPorts),
  ];
  return parts.includes(false) ? false : parts.includes(undefined) ? undefined : true;
};

/** The best route of a table. A device may be demanded (link-local addresses of IPv6). */
const bestRoute = (
  { lengths, byLength }: RouteTable,
  width: number,
  destination: bigint,
  device: string | null,
  suppressed: number | null,
): Route | null => {
  for (const length of lengths) {
    if (suppressed !== null && length <= suppressed) return null;
    const host = BigInt(width - length);
    const same = byLength.get(length)?.get((destination >> host) << host);
    const route = same?.find((one) => device === null || one.device === device);
    if (route !== undefined) return route;
  }
  return null;
};

const isLinkLocal = (address: bigint): boolean => address >> 118n === 0x3fan || address >> 120n === 0xffn;

/**
 * Policy routing: the rules in order, in each table the longest prefix (net/core/fib_rules.c, fib_rules_lookup). Where
 * the source is a set and rules ask for it, the set is split.
 */
export const fibLookup = (
  index: HostIndex,
  destination: bigint,
  key: FibKey,
  sources: PrefixSet | null,
): readonly { readonly sources: PrefixSet | null; readonly result: FibResult }[] => {
  const { tables, family } = index;
  if (tables === null) {
    return [{ sources, result: index.local.has(destination) ? ownAddress(destination, index) : NOT_TOLD }];
  }
  const found: { sources: PrefixSet | null; result: FibResult }[] = [];
  const device = family === 6 && isLinkLocal(destination) && key.in !== 'lo' ? key.in : null;
  let rest = sources;
  let from = -1;
  for (const rule of index.rules) {
    if (rule.priority < from) continue;
    let here = rest;
    if (rule.from !== null) {
      if (key.source === 'set' && rest !== null) {
        const asked = setOfPrefixes(family, [rule.from]);
        here = rule.negate ? difference(rest, asked) : intersection(rest, asked);
        if (isEmpty(here)) continue;
      } else if (key.source === null || key.source === 'set' || inPrefix(key.source, rule.from) === rule.negate)
        continue;
    }
    const holds = applies(rule, destination, key);
    if (holds === undefined) {
      found.push({ sources: rest, result: { kind: 'unknown', text: rule.text } });
      return found;
    }
    if (holds === (rule.negate && rule.from === null)) continue;
    const result = act(rule, tables, WIDTH[family], destination, device);
    if (result === null) continue;
    if (typeof result === 'number') {
      from = result;
      continue;
    }
    found.push({ sources: here, result });
    if (rest === null || here === null || here === rest) return found;
    rest = difference(rest, here);
    if (isEmpty(rest)) return found;
  }
  found.push({ sources: rest, result: NO_ROUTE });
  return found;
};

const act = (
  { action, text }: RoutingRule,
  tables: ReadonlyMap<string, RouteTable>,
  width: number,
  destination: bigint,
  device: string | null,
): FibResult | number | null => {
  switch (action.kind) {
    case 'lookup': {
      const table = tables.get(action.table);
      const route =
        table === undefined ? null : bestRoute(table, width, destination, device, action.suppressPrefixLength);
      return route === null || route.type === 'throw' ? null : resultOf(route, action.table);
    }
    case 'goto':
      return action.priority;
    case 'nop':
      return null;
    case 'blackhole':
    case 'unreachable':
    case 'prohibit':
      return { kind: 'none', error: ROUTE_ERROR[action.kind], text };
  }
};

/** Addresses are known and routes are not: an own address is local in any case. */
const ownAddress = (destination: bigint, { addresses, family }: HostIndex): FibResult => {
  const own = addresses?.find(({ address }) => address.value === destination);
  const device = own?.link ?? 'lo';
  return {
    kind: 'route',
    table: 'local',
    route: {
      family,
      table: 'local',
      type: 'local',
      to: { family, address: destination, length: WIDTH[family] },
      via: null,
      device,
      source: own?.address ?? null,
      metric: 0,
      scope: 'host',
      protocol: 'kernel',
      hops: [],
      flags: [],
      tos: null,
      text: `local of ${device}`,
    },
  };
};

const parts = new WeakMap<RouteTable, readonly { readonly set: PrefixSet; readonly route: Route }[]>();

/** Which addresses take which route of a table. */
const partsOf = (
  table: RouteTable,
  index: HostIndex,
): readonly { readonly set: PrefixSet; readonly route: Route }[] => {
  const known = parts.get(table);
  if (known !== undefined) return known;
  let covered = emptySet(index.family);
  const list: { set: PrefixSet; route: Route }[] = [];
  for (const length of table.lengths) {
    const routes = [...(table.byLength.get(length)?.values() ?? [])].flatMap((same) => same.slice(0, 1));
    for (const route of routes) {
      const set = difference(setOfPrefixes(index.family, [route.to]), covered);
      if (!isEmpty(set)) list.push({ set, route });
    }
    covered = union(
      covered,
      setOfPrefixes(
        index.family,
        routes.map(({ to }) => to),
      ),
    );
  }
  parts.set(table, list);
  return list;
};

/**
 * The same look-up for a set of destinations: which of them get which result. Policy rules that ask for a destination
 * split it.
 */
export const fibPartition = (
  index: HostIndex,
  set: PrefixSet,
  key: FibKey,
): readonly { readonly set: PrefixSet; readonly result: FibResult }[] => {
  const { tables, family } = index;
  if (tables === null) return [{ set, result: NOT_TOLD }];
  const found: { set: PrefixSet; result: FibResult }[] = [];
  let rest = set;
  for (const rule of index.rules) {
    if (isEmpty(rest)) return found;
    const asked = rule.to === null ? null : setOfPrefixes(family, [rule.to]);
    const here = asked === null ? rest : rule.negate ? difference(rest, asked) : intersection(rest, asked);
    if (isEmpty(here)) continue;
    const fitsSource = rule.from === null || (typeof key.source === 'bigint' && inPrefix(key.source, rule.from));
    const holds = fitsSource ? applies({ ...rule, to: null }, 'set', key) : false;
    if (holds === undefined || rule.action.kind === 'goto') {
      found.push({ set: here, result: { kind: 'unknown', text: rule.text } });
      rest = difference(rest, here);
      continue;
    }
    if (!holds || rule.action.kind === 'nop') continue;
    if (rule.action.kind !== 'lookup') {
      found.push({ set: here, result: { kind: 'none', error: ROUTE_ERROR[rule.action.kind], text: rule.text } });
      rest = difference(rest, here);
      continue;
    }
    const { table: name, suppressPrefixLength } = rule.action;
    const table = tables.get(name);
    for (const { set: covered, route } of table === undefined ? [] : partsOf(table, index)) {
      if (route.type === 'throw' || (suppressPrefixLength !== null && route.to.length <= suppressPrefixLength))
        continue;
      const taken = intersection(intersection(rest, here), covered);
      if (isEmpty(taken)) continue;
      found.push({ set: taken, result: resultOf(route, name) });
      rest = difference(rest, taken);
    }
  }
  if (!isEmpty(rest)) found.push({ set: rest, result: NO_ROUTE });
  return found;
};
