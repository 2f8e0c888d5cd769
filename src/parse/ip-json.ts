import { error, fail, ok, type Result, type Source } from '../diagnostic/diagnostic.ts';
import type { Family } from '../net/family.ts';
import type { HostAddress, Link, Route, RoutingRule } from '../ruleset/host.ts';
import { readAddress, readNumber } from './dump-values.ts';
import {
  everything,
  familyOfTexts,
  readDestination,
  readPrefix,
  ROUTE_TYPES,
  type IpFacts,
  type IpHints,
} from './ip-facts.ts';
import { isRecord } from './json.ts';

type Json = Readonly<Record<string, unknown>>;

const text = (json: Json, key: string): string | null => (typeof json[key] === 'string' ? json[key] : null);
const number = (json: Json, key: string): number | null => (typeof json[key] === 'number' ? json[key] : null);
const list = (json: unknown): readonly unknown[] => (Array.isArray(json) ? json : []);
const strings = (json: unknown): readonly string[] => list(json).filter((item) => typeof item === 'string');

/** Reads `ip -j addr`, `ip -j link`, `ip -j route` or `ip -j rule`, told apart by their keys. Entries without sense are left out. */
export const parseIpJson = (source: Source, hints: IpHints = {}): Result<IpFacts> => {
  let json: unknown;
  try {
    json = JSON.parse(source.text);
  } catch {
    return fail({ ...error('not-json', 'this is not JSON', undefined, 'It should come from: ip -j addr'), source });
  }
  const entries = list(json).filter(isRecord);
  const nothing: IpFacts = { links: null, addresses: null, routes: null, rules: null };
  if (entries.some((entry) => 'ifname' in entry && 'ifindex' in entry)) {
    const withAddresses = entries.some((entry) => 'addr_info' in entry);
    return ok({
      ...nothing,
      links: entries.flatMap(readLink),
      ...(withAddresses ? { addresses: entries.flatMap(readAddresses) } : {}),
    });
  }
  if (entries.some((entry) => 'priority' in entry && ('src' in entry || 'table' in entry)))
    return ok({ ...nothing, rules: entries.flatMap((entry) => readRule(entry, hints.family ?? 4)) });
  if (entries.some((entry) => 'dst' in entry))
    return ok({ ...nothing, routes: entries.flatMap((entry) => readRoute(entry, hints.family ?? null)) });
  return fail({
    ...error(
      'not-an-ip-dump',
      'the JSON is no list of links, addresses, routes or rules',
      undefined,
      'It should come from: ip -j addr',
    ),
    source,
  });
};

const readLink = (json: Json): readonly Link[] => {
  const name = text(json, 'ifname');
  if (name === null) return [];
  const info = isRecord(json['linkinfo']) ? json['linkinfo'] : {};
  const flags = strings(json['flags']);
  return [
    {
      name,
      index: number(json, 'ifindex') ?? 0,
      up: flags.includes('UP'),
      flags,
      kind: text(info, 'info_kind'),
      master: text(json, 'master'),
      mac: text(json, 'address'),
      group: text(json, 'group'),
    },
  ];
};

const readAddresses = (json: Json): readonly HostAddress[] => {
  const link = text(json, 'ifname');
  return list(json['addr_info'])
    .filter(isRecord)
    .flatMap((entry): readonly HostAddress[] => {
      const address = readAddress(text(entry, 'local') ?? '');
      const length = number(entry, 'prefixlen');
      if (link === null || address === null || length === null) return [];
      const peer = text(entry, 'address');
      return [
        {
          link,
          address,
          length,
          broadcast: readAddress(text(entry, 'broadcast') ?? ''),
          peer: peer === null ? null : readPrefix(`${peer}/${length}`),
          scope: text(entry, 'scope') ?? 'global',
          secondary: entry['secondary'] === true,
        },
      ];
    });
};

const readRoute = (json: Json, hint: Family | null): readonly Route[] => {
  const destination = text(json, 'dst') ?? 'default';
  const gateway = text(json, 'gateway') ?? (isRecord(json['via']) ? text(json['via'], 'host') : null);
  const family = familyOfTexts(destination, text(json, 'prefsrc'), gateway) ?? hint ?? ('pref' in json ? 6 : 4);
  const to = readDestination(destination, family);
  const type = text(json, 'type') ?? 'unicast';
  if (to === null || !ROUTE_TYPES.has(type)) return [];
  return [
    {
      family,
      table: text(json, 'table') ?? 'main',
      type: type as Route['type'],
      to,
      via: readAddress(gateway ?? ''),
      device: text(json, 'dev'),
      source: readAddress(text(json, 'prefsrc') ?? ''),
      metric: number(json, 'metric') ?? (family === 6 ? 1024 : 0),
      scope: text(json, 'scope'),
      protocol: text(json, 'protocol'),
      hops: list(json['nexthops'])
        .filter(isRecord)
        .map((hop) => ({
          via: readAddress(text(hop, 'gateway') ?? (isRecord(hop['via']) ? (text(hop['via'], 'host') ?? '') : '')),
          device: text(hop, 'dev'),
          weight: number(hop, 'weight') ?? 1,
        })),
      flags: strings(json['flags']),
      tos: text(json, 'tos'),
      text: routeText(json, type, destination, gateway),
    },
  ];
};

/** As `ip route` prints it, so that a person finds it again. */
const routeText = (json: Json, type: string, destination: string, gateway: string | null): string =>
  [
    ...(type === 'unicast' ? [] : [type]),
    destination,
    ...(gateway === null ? [] : ['via', gateway]),
    ...(text(json, 'dev') === null ? [] : ['dev', text(json, 'dev')]),
    ...(text(json, 'table') === null ? [] : ['table', text(json, 'table')]),
    ...(text(json, 'scope') === null ? [] : ['scope', text(json, 'scope')]),
    ...(text(json, 'prefsrc') === null ? [] : ['src', text(json, 'prefsrc')]),
    ...(number(json, 'metric') === null ? [] : ['metric', String(number(json, 'metric'))]),
  ].join(' ');

const KNOWN_KEYS: ReadonlySet<string> = new Set(
  'priority not src srclen dst dstlen fwmark fwmask iif oif ipproto table sport sport_start sport_end dport dport_start dport_end goto action protocol suppress_prefixlen iif_detached oif_detached unresolved nop'.split(
    ' ',
  ),
);

const readRule = (json: Json, hint: Family): readonly RoutingRule[] => {
  const priority = number(json, 'priority');
  if (priority === null) return [];
  const [from, to] = [text(json, 'src'), text(json, 'dst')];
  const family = familyOfTexts(from, to) ?? hint;
  const mark = text(json, 'fwmark');
  return [
    {
      family,
      priority,
      negate: 'not' in json,
      from: rulePrefix(from, number(json, 'srclen'), family),
      to: rulePrefix(to, number(json, 'dstlen'), family),
      mark:
        mark === null
          ? null
          : { value: readNumber(mark) ?? 0, mask: readNumber(text(json, 'fwmask') ?? '0xffffffff') ?? 0xffff_ffff },
      in: text(json, 'iif'),
      out: text(json, 'oif'),
      protocol: text(json, 'ipproto'),
      sourcePorts: rulePorts(json, 'sport'),
      destinationPorts: rulePorts(json, 'dport'),
      action: ruleAction(json),
      unknown: Object.keys(json).filter((key) => !KNOWN_KEYS.has(key)),
      text: ruleText(json),
    },
  ];
};

const rulePrefix = (address: string | null, length: number | null, family: Family) =>
  address === null || address === 'all'
    ? null
    : (readPrefix(length === null ? address : `${address}/${length}`) ?? everything(family));

const rulePorts = (json: Json, key: 'sport' | 'dport') => {
  const one = number(json, key);
  const [first, last] = [number(json, `${key}_start`) ?? one, number(json, `${key}_end`) ?? one];
  return first === null || last === null ? null : { first, last };
};

const ruleAction = (json: Json): RoutingRule['action'] => {
  const target = number(json, 'goto') ?? readNumber(text(json, 'goto') ?? '');
  if (target !== null) return { kind: 'goto', priority: target };
  const action = text(json, 'action');
  if (action === 'blackhole' || action === 'unreachable' || action === 'prohibit' || action === 'nop')
    return { kind: action };
  const suppress = number(json, 'suppress_prefixlen');
  return {
    kind: 'lookup',
    table: text(json, 'table') ?? String(number(json, 'table') ?? 'main'),
    suppressPrefixLength: suppress,
  };
};

const ruleText = (json: Json): string =>
  [
    `${number(json, 'priority')}:`,
    ...('not' in json ? ['not'] : []),
    'from',
    `${text(json, 'src') ?? 'all'}${number(json, 'srclen') === null ? '' : `/${number(json, 'srclen')}`}`,
    ...(text(json, 'dst') === null ? [] : ['to', text(json, 'dst')]),
    ...(text(json, 'fwmark') === null ? [] : ['fwmark', text(json, 'fwmark')]),
    ...(text(json, 'iif') === null ? [] : ['iif', text(json, 'iif')]),
    ...(text(json, 'oif') === null ? [] : ['oif', text(json, 'oif')]),
    ...('goto' in json ? ['goto', String(json['goto'])] : []),
    ...(text(json, 'table') === null ? [] : ['lookup', text(json, 'table')]),
    ...(text(json, 'action') === null ? [] : [text(json, 'action')]),
  ].join(' ');
