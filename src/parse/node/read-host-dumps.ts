import { ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import type { Family } from '../../net/family.ts';
import { isAbsent, type Absent } from '../../ruleset/absent.ts';
import type { Host } from '../../ruleset/host.ts';
import type { IpFacts } from './ip-facts.ts';
import { parseIpJson } from './ip-json.ts';
import type { IptablesHints } from '../iptables/save-state.ts';

/** The family and flavour in a file's name: `ip6tables-save.txt`, `ip-6-rule.json`, `iptables-legacy.txt`. */
export const hintsOf = (name: string): IptablesHints => {
  const base = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  const family: Family | null = /ip-?6|v6/.test(base)
    ? 6
    : /iptables|ipv4|ip-(?:addr|link|route|rule)/.test(base)
      ? 4
      : null;
  const engine = base.includes('legacy') ? 'iptables-legacy' : base.includes('nft') ? 'iptables-nft' : null;
  return { ...(family === null ? {} : { family }), ...(engine === null ? {} : { engine }) };
};

/** The list that is known, or an empty one where it is absent. */
export const known = <T extends object>(part: T | Absent, none: T): T => (isAbsent(part) ? none : part);

/** A list with more entries. It stays absent as long as no dump was read. */
export const joinLists = <T>(before: readonly T[] | Absent, more: readonly T[] | null): readonly T[] | Absent =>
  more === null ? before : [...known(before, []), ...more];

/** An empty list of `ip -j` does not say what it is a list of. */
export const readIpJson = (source: Source): Result<IpFacts> =>
  /^\s*\[\s*\]\s*$/.test(source.text)
    ? ok({
        links: null,
        addresses: null,
        routes: /route/.test(source.name) ? [] : null,
        rules: /rule/.test(source.name) ? [] : null,
      })
    : parseIpJson(source, hintsOf(source.name));

/** A host with the facts of a dump of `ip` added, each fact once; null changes nothing. */
export const addIp = (host: Host, facts: IpFacts | null): Host => {
  if (facts === null) return host;
  const keyed = <T>(before: readonly T[] | Absent, more: readonly T[] | null, key: (item: T) => string) => {
    if (more === null) return before;
    // ip -j route of all tables and ip -j -6 route overlap. The later entry of a link may know more (ip -d link).
    return [...new Map([...known(before, []), ...more].map((item) => [key(item), item])).values()];
  };
  return {
    ...host,
    links: joinLinks(host.links, facts.links),
    addresses: keyed(
      host.addresses,
      facts.addresses,
      (one) => `${one.link} ${one.address.family} ${one.address.value}/${one.length}`,
    ),
    routes: keyed(host.routes, facts.routes, (one) => `${one.family} ${one.table} ${one.metric} ${one.text}`),
    rules: keyed(host.rules, facts.rules, (one) => `${one.family} ${one.text}`),
  };
};

const joinLinks = (before: Host['links'], more: IpFacts['links']): Host['links'] => {
  if (more === null) return before;
  const links = new Map(known(before, []).map((link) => [link.name, link]));
  for (const link of more) {
    const old = links.get(link.name);
    links.set(link.name, old === undefined ? link : { ...link, kind: link.kind ?? old.kind });
  }
  return [...links.values()];
};
