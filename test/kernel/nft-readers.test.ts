import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parseNftJson } from '../../src/parse/nft/nft-json.ts';
import { parseNftText } from '../../src/parse/nft/nft-text.ts';
import { lower } from '../../src/lower/lower.ts';
import { printNftTable } from '../../src/print/nft-table.ts';
import type { Rule, Table } from '../../src/ruleset/table.ts';
import { makeNamespace, noKernel, removeNamespace } from '../support/namespace.ts';

const NAMESPACE = 'pclab-nft-readers';

const run = (argv: readonly [string, ...string[]], input = ''): string => {
  const [program, ...rest] = argv;
  return execFileSync(program, rest, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
};
const inside = (argv: readonly [string, ...string[]], input = ''): string =>
  run(['ip', 'netns', 'exec', NAMESPACE, ...argv], input);

/** A hand-written file with what administrators write and kube-proxy does not. */
const HAND_WRITTEN = `
define office = { 198.51.100.0/24, 203.0.113.7 }
define ssh = 22
table inet filter {
  set blocked { type ipv4_addr; flags interval; elements = { 192.0.2.0/25, 192.0.2.200-192.0.2.210 } }
  set services { type inet_proto . inet_service; elements = { tcp . 80, tcp . 443, udp . 53 } }
  set links { type ifname; elements = { "eth0", "lo" } }
  map ports { type inet_service : ipv4_addr; elements = { 8080 : 10.0.0.1, 8443 : 10.0.0.2 } }
  map targets { type inet_service : ipv4_addr . inet_service; elements = { 9000 : 10.0.0.1 . 90, 9001 : 10.0.0.2 . 91 } }
  set seen { type ipv4_addr; size 100; flags dynamic,timeout; timeout 1m; }
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
    ct state vmap { established : accept, related : accept, invalid : drop }
    ct state new,untracked tcp flags syn / fin,syn,rst,ack limit rate 10/second burst 20 packets accept
    tcp flags & (fin | syn | rst | ack) == syn counter
    ip saddr $office tcp dport { $ssh, 8000-8100 } counter accept comment "office"
    ip saddr @blocked drop
    meta l4proto . th dport @services accept
    iifname "cali*" meta mark & 0xff00 == 0x1200 accept
    ip6 saddr fe80::/10 icmpv6 type { nd-neighbor-solicit, nd-router-advert } accept
    meta pkttype broadcast drop
    fib saddr . iif oif missing drop
    fib daddr type != local return
    meta mark set meta mark or 0x4000
    ct mark set meta mark and 0xff
    update @seen { ip saddr }
    udp dport 53 numgen random mod 4 < 2 accept
    ct status dnat accept
    meta l4proto tcp ct original proto-dst 30001 reject with icmpx type admin-prohibited
    ip protocol icmp icmp type echo-request accept
    log prefix "dropped: "
    tcp dport 113 reject with tcp reset
    reject
  }
  chain pre {
    type nat hook prerouting priority dstnat - 5; policy accept;
    tcp dport 80 dnat ip to 10.0.0.1:8080
    dnat ip to tcp dport map @ports
    dnat ip addr . port to tcp dport map @targets
    tcp dport 25 dnat ip to numgen inc mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }
    ip6 daddr 2001:db8::1 tcp dport 443 dnat ip6 to [2001:db8::2]:8443
    tcp dport 2222 redirect to :22
    udp dport 500-600 redirect to :1000-1100
    goto other
  }
  chain other { tcp dport 1 jump last; return; }
  chain last { drop; }
  chain post {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" masquerade fully-random
    ip saddr 10.0.0.0/8 meta l4proto tcp snat ip to 192.0.2.1-192.0.2.9:1024-65535 persistent
  }
}
table ip raw2 { chain pre { type filter hook prerouting priority raw; policy accept; udp dport 53 notrack; }; }
`;

const CASES: readonly (readonly [string, string])[] = [
  [
    "kube-proxy's nftables mode",
    readFileSync(new URL('../../src/lab/data/kube-proxy/nftables/nft-list-ruleset.txt', import.meta.url), 'utf8'),
  ],
  ['a hand-written file', HAND_WRITTEN],
];

/** The order of elements says nothing: the kernel has its own. */
const UNORDERED: ReadonlySet<string> = new Set(['values', 'elements', 'map', 'set', 'intervals']);

const bigints = (key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString();
  if (!UNORDERED.has(key) || !Array.isArray(value)) return value;
  return (value as unknown[]).map((item) => JSON.stringify(item, bigints)).sort();
};

/** What a table comes to: the meaning of each rule, the elements of each set; handles, lines and counters apart. */
const meaning = (tables: readonly Table[]): unknown =>
  JSON.parse(
    JSON.stringify(
      tables.map(({ family, name, chains, sets }) => ({
        family,
        name,
        chains: [...chains.values()].map(({ name: chain, base, rules }) => ({
          chain,
          base,
          rules: rules.map((rule: Rule) => lower(rule)),
        })),
        sets: [...sets.values()].map((set) =>
          'elements' in set && set.kind === 'dynamic' ? { ...set, elements: [] } : set,
        ),
      })),
      bigints,
    ),
  ) as unknown;

const understood = (result: ReturnType<typeof parseNftJson>): readonly Table[] => {
  assert.ok(result.ok, 'it is a listing');
  assert.deepEqual(result.warnings, [], 'everything is understood');
  return result.value;
};

describe('reading nftables', { skip: noKernel }, () => {
  const load = (text: string): void => {
    inside(['nft', 'flush', 'ruleset']);
    inside(['nft', '-f', '-'], text);
  };
  before(() => makeNamespace(NAMESPACE));
  after(() => removeNamespace(NAMESPACE));

  for (const [name, text] of CASES) {
    test(`${name}: the file, the kernel's text listing and its JSON listing mean the same`, () => {
      load(text);
      const json = meaning(understood(parseNftJson(inside(['nft', '-j', 'list', 'ruleset']))));
      assert.deepEqual(meaning(understood(parseNftText(inside(['nft', '-a', 'list', 'ruleset'])))), json);
      assert.deepEqual(meaning(understood(parseNftText(text))), json);
    });
    test(`${name}: printed again it is accepted by nft, and the kernel then lists the same (law 1)`, () => {
      load(text);
      const tables = understood(parseNftJson(inside(['nft', '-j', 'list', 'ruleset'])));
      const printed = tables.map(printNftTable).join('');
      assert.deepEqual(meaning(understood(parseNftText(printed))), meaning(tables));
      load(printed);
      assert.deepEqual(meaning(understood(parseNftJson(inside(['nft', '-j', 'list', 'ruleset'])))), meaning(tables));
    });
  }
});

test('a table that sleeps is known by its flag', () => {
  const read = parseNftText(
    'table inet t { # handle 1\n\tflags dormant\n\tchain c {\n\t}\n}\ntable ip u { flags owner, persist; }\ntable ip v {\n}\n',
  );
  assert.ok(read.ok);
  assert.deepEqual(
    read.value.map(({ name, flags, chains }) => [name, flags, chains.size]),
    [
      ['t', ['dormant'], 1],
      ['u', ['owner', 'persist'], 0],
      ['v', undefined, 0],
    ],
  );
});
