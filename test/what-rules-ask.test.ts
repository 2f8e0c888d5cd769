import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../src/simulate/simulate.ts';
import { nodeWith, savedTables } from './support/node-with.ts';
import { outcomeText, packetOf } from './support/packet-lines.ts';

const V4 = '203.0.113.7 -> 192.0.2.10:30001/tcp in eth0';
const V6 = '2001:db8:c::7 -> 2001:db8:0:2::10:30001/tcp in eth0';
const ON = '203.0.113.7 -> 198.51.100.9:80/tcp in eth0';

const results = (dumps: Readonly<Record<string, string>>, line: string): readonly string[] => {
  const ruleset = nodeWith(dumps);
  const trace = simulate(ruleset, packetOf(ruleset, line));
  return [...new Set(trace.outcomes.map(({ result }) => result))].toSorted();
};

const BOTH = ['dropped', 'local'] as const;

describe('a rule of nftables drops, in an inet table at input', () => {
  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    // An answer of ICMP is for its family alone.
    ['reject with icmp host-prohibited', V4, ['rejected']],
    ['reject with icmp host-prohibited', V6, ['local']],
    ['reject with icmpv6 admin-prohibited', V4, ['local']],
    ['reject with icmpv6 admin-prohibited', V6, ['rejected']],
    ['reject with icmpx admin-prohibited', V6, ['rejected']],
    // A hash is made of what it names; a packet without that does not match.
    ['jhash ip saddr mod 1 0 drop', V4, ['dropped']],
    ['jhash ip saddr mod 1 0 drop', V6, ['local']],
    ['jhash ip6 saddr . th sport mod 2 vmap { 0 : drop, 1 : drop }', V4, ['local']],
    ['jhash ip6 saddr . th sport mod 2 vmap { 0 : drop, 1 : drop }', V6, ['dropped']],
    // So does what is written.
    ['ip6 dscp set cs1 drop', V4, ['local']],
    ['ip dscp set cs1 drop', V4, ['dropped']],
    ['update @seen { ip saddr : 0x1 } drop', V6, ['local']],
    // All bits of an address count.
    ['ip6 saddr & ffff:ffff:ffff::ffff == 2001:db8:c::7 drop', V6, ['dropped']],
    ['ip6 saddr & ffff:ffff:ffff::ffff == 2001:db8:d::7 drop', V6, ['local']],
    // nft has two names for it.
    ['meta pkttype host drop', V4, ['dropped']],
    ['meta pkttype != host drop', V4, ['local']],
    // Only what another connection expects has a helper.
    ['ct helper "ftp" drop', V4, ['local']],
    ['ct helper != "ftp" drop', V4, ['local']],
    ['ct l3proto ipv4 drop', V4, ['dropped']],
    // A synproxy answers for the server.
    ['synproxy mss 1460 wscale 7', V4, ['local', 'unknown']],
  ];
  for (const [rule, line, expected] of rows)
    test(`${rule}: ${line} is ${expected.join(' or ')}`, () => {
      const text = `table inet t {
        map seen { type ipv4_addr : mark; flags dynamic,timeout; timeout 1m; size 8; }
        chain in { type filter hook input priority 0; ${rule} }
      }`;
      assert.deepEqual(results({ 'rules.nft': text }, line), expected);
    });
});

describe('a look-up of routes takes the keys that the rule names', () => {
  /** Packets with mark 1 have another way. */
  const routes = {
    'ip-rule.txt': '0: from all lookup local\n100: from all fwmark 0x1 lookup 100\n32766: from all lookup main\n',
    'ip-route.txt': `default via 192.0.2.1 dev eth0
default dev cni0 table 100
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
local 192.0.2.10 dev eth0 table local proto kernel scope host src 192.0.2.10
`,
  };
  const rows: readonly (readonly [string, string])[] = [
    ['fib saddr oif "eth0"', 'dropped'],
    ['fib saddr oif "cni0"', 'local'],
    ['fib saddr . mark oif "cni0"', 'dropped'],
    ['fib saddr . mark oif exists', 'dropped'],
    ['fib saddr . iif oif "eth0"', 'dropped'],
    ['fib saddr . mark . iif oif exists', 'local'],
    ['fib saddr . mark . iif oif missing', 'dropped'],
    ['fib daddr oif exists', 'local'],
    ['fib saddr . iif oif missing', 'local'],
  ];
  for (const [asked, expected] of rows)
    test(`meta mark 0x1 ${asked}: ${expected}`, () => {
      const text = `table inet t {
        chain in { type filter hook prerouting priority -10; meta mark set 0x1 ${asked} drop; }
        chain back { type filter hook prerouting priority -9; meta mark set 0x0; }
      }`;
      assert.deepEqual(results({ ...routes, 'rules.nft': text }, V4), [expected]);
    });
});

describe('what the tracker is told before it sees a packet', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['ct zone set 1', 'ct zone 1', 'dropped'],
    ['ct zone set 1', 'ct zone 0', 'local'],
    ['counter', 'ct zone 0', 'dropped'],
    // The second comes too late.
    ['ct zone set 1 notrack', 'ct state untracked', 'local'],
    ['notrack ct zone set 1', 'ct state untracked', 'dropped'],
  ];
  for (const [before, after, expected] of rows)
    test(`${before}, later ${after}: ${expected}`, () => {
      const text = `table inet t {
        chain raw { type filter hook prerouting priority -300; ${before}; }
        chain in { type filter hook input priority 0; ${after} drop; }
      }`;
      assert.deepEqual(results({ 'rules.nft': text }, V4), [expected]);
    });

  test('once it has seen the packet, a zone changes nothing', () => {
    const text = `table inet t {
      chain late { type filter hook prerouting priority -150; ct zone set 1; }
      chain in { type filter hook input priority 0; ct zone 1 drop; }
    }`;
    assert.deepEqual(results({ 'rules.nft': text }, V4), ['local']);
  });

  test('a packet with a template of a connection counts as new before the tracker sees it', () => {
    const table = (told: string) =>
      nodeWith({
        'iptables-save.txt': savedTables({
          raw: [`-A PREROUTING ${told}`, '-A PREROUTING -m conntrack --ctstate NEW -j DROP'],
        }),
      });
    const ends = (told: string): readonly string[] => {
      const ruleset = table(told);
      const trace = simulate(ruleset, packetOf(ruleset, V4));
      return trace.outcomes.map((outcome) => outcomeText(trace, outcome));
    };
    assert.match(ends('-p tcp -j CT --helper ftp').join(), /dropped/);
    assert.doesNotMatch(ends('-p udp -j CT --helper ftp').join(), /dropped/);
  });
});

describe('a packet that has no time left to live', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['is not sent on', ON, 'unroutable'],
    ['reaches the node itself', V4, 'local'],
  ];
  for (const [name, line, expected] of rows)
    test(name, () => {
      const text = 'table ip t { chain c { type filter hook prerouting priority 0; ip ttl set 1; } }';
      assert.deepEqual(results({ 'rules.nft': text }, line), [expected]);
    });

  test("iptables' target TTL sets it", () => {
    const saved = savedTables({ mangle: ['-A PREROUTING -j TTL --ttl-set 1'] });
    assert.deepEqual(results({ 'iptables-save.txt': saved }, ON), ['unroutable']);
  });
});

describe('a rule of iptables in raw drops', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['-m set --match-set s src', 'dropped'],
    // The exceptions match, and nothing else.
    ['-m set --match-set s src --return-nomatch', 'local'],
    ['-m set --match-set other src --return-nomatch', 'dropped'],
    ['-m set ! --match-set other src --return-nomatch', 'local'],
    ['-m rpfilter', 'dropped'],
    ['-m rpfilter --invert', 'local'],
  ];
  const sets = `create s hash:net family inet
add s 203.0.113.0/24
create other hash:net family inet
add other 203.0.0.0/16
add other 203.0.113.7 nomatch
`;
  for (const [match, expected] of rows)
    test(`${match}: ${expected}`, () => {
      const saved = savedTables({ raw: [`-A PREROUTING ${match} -j DROP`] });
      assert.deepEqual(results({ 'iptables-save.txt': saved, 'ipset-save.txt': sets }, V4), [expected]);
    });

  test("--accept-local takes the node's own address for a way back", () => {
    const spoofed = '192.0.2.10 -> 192.0.2.10:30001/tcp in eth0';
    const of = (option: string) =>
      results({ 'iptables-save.txt': savedTables({ raw: [`-A PREROUTING -m rpfilter ${option} -j DROP`] }) }, spoofed);
    assert.deepEqual(
      [of('--accept-local'), of('')].map((found) => found.includes('dropped')),
      [true, false],
    );
  });
});

test('a limit of nftables may match or not', () =>
  assert.deepEqual(
    results(
      { 'rules.nft': 'table inet t { chain in { type filter hook input priority 0; limit rate 1/second drop; } }' },
      V4,
    ),
    BOTH,
  ));
