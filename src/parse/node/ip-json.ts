import { error, fail, ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import type { Family } from '../../net/family.ts';
import type { HostAddress, Link, Route } from '../../ruleset/host.ts';
import { readAddress } from '../values/dump-values.ts';
import { ROUTE_TYPES, familyOfTexts, readDestination, readPrefix, type IpFacts, type IpHints } from './ip-facts.ts';
import { readRule } from './ip-json-rule.ts';
import { list, number, strings, text, type Json } from '../values/json-fields.ts';
import { isRecord } from '../values/json.ts';

/**
 * Reads `ip -j addr`, `ip -j link`, `ip -j route` or `ip -j rule`, distinguished by their keys. Entries without a
 * meaning are left out.
 */
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
      xdp: json['xdp'] !== undefined,
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

/** As `ip route` prints it, so that a person finds it there. */
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
