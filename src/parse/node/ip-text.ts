import { ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import type { Family } from '../../net/family.ts';
import type { HostAddress, Link, Route, RoutingRule } from '../../ruleset/host.ts';
import { readAddress, readNumber } from '../values/dump-values.ts';
import { ROUTE_TYPES, familyOfTexts, readDestination, readPrefix, type IpFacts, type IpHints } from './ip-facts.ts';
import { readRule } from './ip-text-rule.ts';
import { after, type Words } from './ip-text-words.ts';
import { doubtsAbout, linesOf } from '../values/lines.ts';

/**
 * Reads what `ip addr`, `ip link`, `ip route` and `ip rule` print without -j, also several of them in one text with
 * their prompts. Lines that are none of these become warnings.
 */
export const parseIpText = (source: Source, hints: IpHints = {}): Result<IpFacts> => {
  const doubts = doubtsAbout(source);
  const links: Link[] = [];
  const addresses: HostAddress[] = [];
  const routes: Route[] = [];
  const rules: RoutingRule[] = [];
  let family: Family = hints.family ?? 4;
  let table = 'main';
  let saw = { addresses: false, routes: false };
  for (const line of linesOf(source.text)) {
    const words = line.text.split(/\s+/);
    const prompt =
      /^(?:.{0,60}?[#$>%]\s*)?(?:sudo\s+)?ip\s+(-\S+\s+)*(?:a|addr|address|l|link|r|ro|route|ru|rule)\b/.exec(
        line.text,
      );
    if (prompt !== null) {
      family = /\s-6\b/.test(line.text) ? 6 : (hints.family ?? 4);
      table = after(words, 'table') ?? 'main';
      if (table === 'all') table = 'main';
      continue;
    }
    const last = links.at(-1);
    const route = routes.at(-1);
    if (/^\d+:\s+(?:not\s+)?(?:from|to)\b/.test(line.text)) rules.push(readRule(words, line.text, family));
    else if (/^\d+:\s+\S+:\s+<[^>]*>/.test(line.text)) links.push(readLink(words));
    else if (line.indented && words[0] === 'nexthop' && route !== undefined)
      routes[routes.length - 1] = { ...route, hops: [...route.hops, readHop(words)] };
    else if (last !== undefined && line.indented && line.text.startsWith('link/'))
      links[links.length - 1] = { ...last, mac: words[1] ?? null };
    else if (last !== undefined && (words[0] === 'inet' || words[0] === 'inet6')) {
      saw = { ...saw, addresses: true };
      const address = readHostAddress(words, last.name);
      if (address === null) doubts.note('address-unknown', 'this address is not understood', line);
      else addresses.push(address);
    } else if (last !== undefined && line.indented) {
      // valid_lft, altname, and what `ip -d link` adds: the kind is the first word of its line.
      if (KINDS.has(words[0] ?? '')) links[links.length - 1] = { ...last, kind: words[0] ?? null };
    } else {
      const read = readRoute(words, line.text, family, table);
      if (read !== null) {
        saw = { ...saw, routes: true };
        routes.push(read);
      } else if (!/^[`#]/.test(line.text)) doubts.note('not-an-ip-line', 'this line is not understood', line);
    }
  }
  return ok(
    {
      links: links.length > 0 ? links : null,
      addresses: saw.addresses ? addresses : null,
      routes: saw.routes ? routes : null,
      rules: rules.length > 0 ? rules : null,
    },
    doubts.all,
  );
};

const KINDS: ReadonlySet<string> = new Set(
  'dummy bridge veth vlan vxlan geneve gre ipip sit tun wireguard bond macvlan ipvlan vrf ifb'.split(' '),
);

/** `xdp/id:42`, `xdpgeneric/id:42` (iproute2, ip/iplink_xdp.c, xdp_dump). */
const XDP = /^xdp(?:generic|offload|multi)?(?:\/|$)/;

const readLink = (words: Words): Link => {
  const [index = '', name = '', flagsText = ''] = words;
  const flags = flagsText.replace(/[<>]/g, '').split(',');
  return {
    name: name.replace(/:$/, '').replace(/@.*$/, ''),
    index: Number(index.replace(':', '')),
    up: flags.includes('UP'),
    flags,
    kind: null,
    master: after(words, 'master'),
    mac: null,
    group: after(words, 'group'),
    xdp: words.some((word) => XDP.test(word)),
  };
};

const readHostAddress = (words: Words, link: string): HostAddress | null => {
  const peerText = after(words, 'peer');
  const local = (words[1] ?? '').split('/');
  const address = readAddress(local[0] ?? '');
  if (address === null) return null;
  const peer = peerText === null ? null : readPrefix(peerText);
  const length = local[1] ?? peerText?.split('/')[1];
  return {
    link,
    address,
    length: length === undefined ? (address.family === 4 ? 32 : 128) : Number(length),
    broadcast: readAddress(after(words, 'brd') ?? ''),
    peer,
    scope: after(words, 'scope') ?? 'global',
    secondary: words.includes('secondary'),
  };
};

const readHop = (words: Words): Route['hops'][number] => ({
  via: readAddress(viaOf(words) ?? ''),
  device: after(words, 'dev'),
  weight: readNumber(after(words, 'weight') ?? '1') ?? 1,
});

/** `via 192.0.2.1`, `via inet6 fe80::1`. */
const viaOf = (words: Words): string | null => {
  const via = after(words, 'via');
  return via === 'inet' || via === 'inet6' ? after(words, via) : via;
};

const FLAGS = ['linkdown', 'dead', 'onlink', 'pervasive', 'offload'];

const ROUTE_WORDS: ReadonlySet<string> = new Set(['proto', 'metric', 'scope', 'src', 'table', 'nhid']);

const readRoute = (words: Words, text: string, hint: Family, table: string): Route | null => {
  const typed = ROUTE_TYPES.has(words[0] ?? '');
  const destination = words[typed ? 1 : 0] ?? '';
  const via = viaOf(words);
  const family = familyOfTexts(destination, via, after(words, 'src')) ?? hint;
  const to = readDestination(destination, family);
  const device = after(words, 'dev');
  // The ways of a route with several are on the lines below. Any other route says where it leads.
  const bare = destination === 'default' && (words.length === 1 || ROUTE_WORDS.has(words[1] ?? ''));
  if (to === null || (!typed && device === null && via === null && !bare)) return null;
  return {
    family,
    table: after(words, 'table') ?? table,
    type: (typed ? words[0] : 'unicast') as Route['type'],
    to,
    via: readAddress(via ?? ''),
    device,
    source: readAddress(after(words, 'src') ?? ''),
    metric: readNumber(after(words, 'metric') ?? '') ?? (family === 6 ? 1024 : 0),
    scope: after(words, 'scope'),
    protocol: after(words, 'proto'),
    hops: [],
    flags: FLAGS.filter((flag) => words.includes(flag)),
    tos: after(words, 'tos'),
    text,
  };
};
