import { WIDTH, type Family } from '../../net/family.ts';
import { networkOf } from '../../net/prefix.ts';
import { setOfRanges, type PrefixSet } from '../../net/prefix-set.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { Host, HostAddress, Route, RoutingRule } from '../../ruleset/host.ts';

/** A routing table, made for look-ups: the longest prefix first, within it the lowest metric. */
export interface RouteTable {
  readonly name: string;
  readonly lengths: readonly number[];
  readonly byLength: ReadonlyMap<number, ReadonlyMap<bigint, readonly Route[]>>;
}

/** What the routing of one family needs, made for look-ups. */
export interface HostIndex {
  readonly host: Host;
  readonly family: Family;
  /** null: no dump told the routes. */
  readonly tables: ReadonlyMap<string, RouteTable> | null;
  readonly rules: readonly RoutingRule[];
  /** null: no dump told the addresses. */
  readonly addresses: readonly HostAddress[] | null;
  readonly local: ReadonlySet<bigint>;
  /** The same as a set of addresses. */
  readonly localSet: PrefixSet;
  /** Addresses by link, in their order. */
  readonly byLink: ReadonlyMap<string, readonly HostAddress[]>;
}

const DEFAULT_RULES = (family: Family): readonly RoutingRule[] =>
  [
    { priority: 0, table: 'local' },
    { priority: 32_766, table: 'main' },
    { priority: 32_767, table: 'default' },
  ].map(({ priority, table }) => ({
    family,
    priority,
    negate: false,
    from: null,
    to: null,
    mark: null,
    in: null,
    out: null,
    protocol: null,
    sourcePorts: null,
    destinationPorts: null,
    action: { kind: 'lookup', table, suppressPrefixLength: null },
    unknown: [],
    text: `${priority}: from all lookup ${table}`,
  }));

const tableOf = (name: string, routes: readonly Route[]): RouteTable => {
  const byLength = new Map<number, Map<bigint, Route[]>>();
  for (const route of routes) {
    const { length, address } = route.to;
    const nets = byLength.get(length) ?? new Map<bigint, Route[]>();
    byLength.set(length, nets);
    const same = nets.get(address);
    if (same === undefined) nets.set(address, [route]);
    else same.push(route);
  }
  for (const nets of byLength.values()) for (const same of nets.values()) same.sort((a, b) => a.metric - b.metric);
  return { name, lengths: [...byLength.keys()].sort((a, b) => b - a), byLength };
};

/**
 * The routes that the kernel makes for its own addresses, where only the addresses are known (net/ipv4/fib_frontend.c,
 * fib_add_ifaddr).
 */
const localRoutes = (family: Family, addresses: readonly HostAddress[]): readonly Route[] =>
  addresses.flatMap(({ link, address, length, broadcast }) => {
    const make = (type: Route['type'], to: Route['to']): Route => ({
      family,
      table: 'local',
      type,
      to,
      via: null,
      device: link,
      source: address,
      metric: 0,
      scope: type === 'local' ? 'host' : 'link',
      protocol: 'kernel',
      hops: [],
      flags: [],
      tos: null,
      text: `${type} of ${link}`,
    });
    const full = WIDTH[family];
    const own = make('local', { family, address: address.value, length: full });
    if (link === 'lo' && family === 4) return [own, make('local', networkOf(address, length))];
    return [
      own,
      ...(broadcast === null ? [] : [make('broadcast', { family, address: broadcast.value, length: full })]),
    ];
  });

/** Whether a route is in use. */
const isAlive = ({ flags }: Route): boolean => !flags.includes('dead');

const build = (host: Host, family: Family): HostIndex => {
  const addresses = isAbsent(host.addresses) ? null : host.addresses.filter(({ address }) => address.family === family);
  const given = isAbsent(host.routes) ? null : host.routes.filter((route) => route.family === family && isAlive(route));
  const hasLocal = given?.some(({ table }) => table === 'local') ?? false;
  const routes =
    given === null ? null : hasLocal || addresses === null ? given : [...given, ...localRoutes(family, addresses)];
  const names = new Map<string, Route[]>();
  for (const route of routes ?? []) {
    const same = names.get(route.table);
    if (same === undefined) names.set(route.table, [route]);
    else same.push(route);
  }
  const told = isAbsent(host.rules) ? [] : host.rules.filter((rule) => rule.family === family);
  const rules = told.length === 0 ? DEFAULT_RULES(family) : [...told].sort((a, b) => a.priority - b.priority);
  const local = new Set((addresses ?? []).map(({ address }) => address.value));
  const byLink = new Map<string, HostAddress[]>();
  for (const one of addresses ?? []) {
    const same = byLink.get(one.link);
    if (same === undefined) byLink.set(one.link, [one]);
    else same.push(one);
  }
  return {
    host,
    family,
    tables: routes === null ? null : new Map([...names].map(([name, same]) => [name, tableOf(name, same)])),
    rules,
    addresses,
    local,
    localSet: setOfRanges(
      family,
      [...local].map((value) => ({ first: value, last: value })),
    ),
    byLink,
  };
};

const indexes = new WeakMap<Host, Map<Family, HostIndex>>();

/** The index of a host, built once. */
export const hostIndex = (host: Host, family: Family): HostIndex => {
  const families = indexes.get(host) ?? new Map<Family, HostIndex>();
  indexes.set(host, families);
  const known = families.get(family) ?? build(host, family);
  families.set(family, known);
  return known;
};

/** A kernel parameter; undefined: no dump told it. */
export const sysctl = ({ host }: HostIndex, name: string): string | undefined =>
  isAbsent(host.sysctls) ? undefined : host.sysctls.get(name);

/**
 * A parameter of an interface that counts as on where it is on for the interface or for all
 * (include/linux/inetdevice.h, IN_DEV_ORCONF).
 */
export const linkSwitch = (index: HostIndex, link: string, name: string): boolean =>
  [link, 'all'].some((of) => (sysctl(index, `net.ipv4.conf.${of}.${name}`) ?? '0') !== '0');

/** A parameter of an interface of which the larger of the two counts (IN_DEV_MAXCONF). */
export const linkLevel = (index: HostIndex, link: string, name: string): number =>
  Math.max(...[link, 'all'].map((of) => Number(sysctl(index, `net.ipv4.conf.${of}.${name}`) ?? 0)));
