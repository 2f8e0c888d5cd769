import type { Expression } from '../../src/ruleset/nft/expression.ts';
import type { Statement } from '../../src/ruleset/nft/statement.ts';
import type { Verdict } from '../../src/ruleset/values/verdict.ts';

/**
 * Rules, as nft reads them, that somebody may put into a chain that judges: for each statement, verdict and expression
 * of the model, so that a new one without rules here does not compile. REFUSED and ALLOWED are a client that is refused
 * and one that is let in; IN the interface, NODE the node's address.
 */
type Rules<Kind extends string> = Readonly<Record<Kind, readonly string[]>>;

const BY_STATEMENT: Rules<Statement['kind']> = {
  match: [
    'ip saddr REFUSED accept',
    'ip saddr != REFUSED drop',
    'ip saddr { REFUSED, 10.9.9.9 } accept',
    'meta l4proto . th dport { tcp . 1, udp . 30001 } accept',
    'ct state new,untracked accept',
    'ip saddr @somebody accept',
    'ip saddr != @somebody drop',
    'ip saddr . th dport @somewhere accept',
  ],
  vmap: [
    'ip saddr vmap { REFUSED : accept }',
    'th dport vmap { 30001 : accept }',
    'meta l4proto . th dport vmap { udp . 30001 : accept }',
    'iifname vmap { "IN" : accept }',
    'ct state vmap { new : accept, established : accept }',
    'numgen random mod 2 vmap { 0 : accept, 1 : accept }',
    'numgen inc mod 2 vmap { 0 : accept, 1 : drop }',
    'jhash ip saddr mod 2 vmap { 0 : accept, 1 : accept }',
    'symhash mod 2 vmap { 0 : accept, 1 : accept }',
    'meta l4proto . th dport vmap @more',
    'ip daddr . th dport vmap { NODE . 30001 : accept }',
    'ip saddr vmap { 10.0.0.0/24 : jump lets-in }',
  ],
  update: [
    'add @filled { ip saddr } accept',
    'update @filled { ip saddr timeout 30s } accept',
    'update @filled { ip saddr limit rate 1000/second } accept',
    'update @filled { ip saddr limit rate over 1000/second } drop',
    'delete @filled { ip saddr } drop',
  ],
  'update-map': ['update @learnt { ip saddr : 0x1 } accept'],
  counter: ['counter', 'counter accept'],
  'counter-named': ['counter name "mine"', 'counter name "mine" drop'],
  limit: ['limit rate 1000/second accept', 'limit rate over 1/day drop', 'limit rate over 10 mbytes/second drop'],
  object: ['limit name "slow" accept', 'quota name "much" accept', 'ct helper set "ftp" accept'],
  quota: ['quota 100 mbytes accept', 'quota over 0 bytes drop'],
  connlimit: ['ct count 1000 accept', 'ct count over 0 drop'],
  reject: ['reject', 'reject with icmpx admin-prohibited', 'ip saddr ALLOWED reject with icmp host-prohibited'],
  // Not in a filter chain: the kernel refuses it, and the test says so.
  nat: ['dnat ip to 192.0.2.99', 'redirect to :9'],
  mangle: ['meta mark set 0x1', 'meta mark set 0x1 accept', 'ip dscp set cs1 accept', 'ct mark set 0x1 accept'],
  notrack: ['notrack', 'notrack accept'],
  log: ['log prefix "seen " group 5', 'log prefix "seen " group 5 accept'],
  tproxy: ['meta l4proto udp tproxy ip to :30001', 'meta l4proto udp tproxy ip to :30001 accept'],
  dup: ['dup to 192.0.2.99'],
  fwd: ['fwd to "lo"'],
  synproxy: ['tcp dport 30001 synproxy mss 1460 wscale 7'],
  offload: ['flow add @fast'],
  comment: ['counter comment "said"', 'accept comment "said"'],
  xt: [],
  verdict: [],
  unknown: [
    '@nh,96,32 & 0xff000000 == 0x0a000000 accept',
    'tcp option maxseg size 1-65535 accept',
    'ip option rr exists drop',
  ],
};

const BY_VERDICT: Rules<Verdict['kind']> = {
  accept: ['accept'],
  drop: ['drop'],
  reject: ['reject with icmpx no-route'],
  jump: ['jump lets-in', 'jump takes-away'],
  goto: ['goto lets-in', 'goto takes-away'],
  return: ['return'],
  continue: ['continue', 'ip saddr vmap { REFUSED : continue }'],
  queue: ['queue num 7', 'queue flags bypass num 7'],
};

const BY_EXPRESSION: Rules<Expression['kind']> = {
  payload: [
    'ip saddr 10.0.0.0/8 accept',
    'ip daddr NODE accept',
    'ip daddr 192.0.2.0/24 accept',
    'ip daddr != 192.0.2.0/24 drop',
    'ip ttl > 1 accept',
    'ip length > 20 accept',
    'ip protocol udp accept',
    'udp sport 1024-65535 accept',
    'udp length > 8 accept',
    'th dport 30001 accept',
    'ether saddr 02:00:00:00:00:02 accept',
  ],
  'raw-payload': ['@th,16,16 30001 accept', '@nh,72,8 17 accept'],
  'header-option': ['ip option lsrr missing accept', 'exthdr frag missing accept'],
  meta: [
    'iifname "IN" accept',
    'iifname "e*" accept',
    'iif "IN" accept',
    'iifname != "lo" accept',
    'iifname { "IN", "other" } accept',
    'meta nfproto ipv4 accept',
    'meta mark 0x0 accept',
    'meta mark != 0x1 accept',
    'meta pkttype host accept',
    'meta length > 20 accept',
    'meta protocol ip accept',
    'meta priority 0 accept',
    'meta random < 4294967295 accept',
    'meta cpu 0-1024 accept',
    'meta iiftype ether accept',
    'meta iifgroup 0 accept',
    'meta time > "2020-01-01" accept',
  ],
  ct: [
    'ct direction original accept',
    'ct state new accept',
    'ct state established accept',
    'ct status != assured accept',
    'ct mark 0x0 accept',
    'ct zone 0 accept',
    'ct original proto-dst 30001 accept',
    'ct original ip saddr REFUSED accept',
    'ct original ip daddr NODE accept',
    'ct reply proto-src 30001 accept',
    'ct expiration > 1s accept',
    'ct l3proto ipv4 accept',
  ],
  fib: [
    'fib daddr type local accept',
    'fib daddr type unicast drop',
    'fib saddr type unicast accept',
    'fib saddr . iif oif exists accept',
    'fib saddr . iif oif missing drop',
    'fib saddr oif "IN" accept',
    'fib daddr . iif type local accept',
  ],
  rt: ['rt classid 0 accept', 'rt nexthop 192.0.2.1 accept'],
  socket: ['socket transparent 0 accept', 'socket wildcard 0 accept'],
  numgen: ['numgen random mod 2 < 2 accept', 'numgen random mod 2 1 drop', 'numgen inc mod 3 0 accept'],
  hash: ['jhash ip saddr . udp sport mod 4 < 4 accept', 'symhash mod 2 < 2 accept', 'jhash ip saddr mod 2 1 drop'],
  bitwise: [
    'ip saddr & 255.255.255.0 == 10.0.0.0 accept',
    'ip saddr & 0.0.0.255 == 0.0.0.2 accept',
    'ip daddr & 255.255.255.0 == 192.0.2.0 accept',
    'meta mark & 0xff == 0x0 accept',
    'th dport & 0xff == 0x31 accept',
  ],
  constant: ['meta mark set 0x7 accept'],
  concat: ['ip saddr . ip daddr { REFUSED . NODE } accept', 'ip saddr . iifname { REFUSED . "IN" } accept'],
  map: ['meta mark set ip saddr map { REFUSED : 0x1 } accept', 'meta mark set ip saddr map @marks accept'],
  opaque: [],
};

/** Objects that the rules above name. */
export const OBJECTS = `
  set somebody { type ipv4_addr; elements = { REFUSED }; }
  set somewhere { type ipv4_addr . inet_service; elements = { REFUSED . 30001 }; }
  set filled { type ipv4_addr; size 1000; flags dynamic,timeout; timeout 1m; }
  map learnt { type ipv4_addr : mark; size 1000; flags dynamic,timeout; timeout 1m; }
  map marks { type ipv4_addr : mark; elements = { REFUSED : 0x1 }; }
  map more { type inet_proto . inet_service : verdict; elements = { udp . 30001 : accept }; }
  counter mine { }
  limit slow { rate 1000/second }
  quota much { 100 mbytes }
  chain lets-in { accept; }
  chain takes-away { drop; }
`;

const listOf = (...tables: readonly Rules<string>[]): readonly string[] => [
  ...new Set(tables.flatMap((rules) => Object.values(rules).flat())),
];

/** All of them, each once. */
export const EVERY_RULE = listOf(BY_STATEMENT, BY_VERDICT, BY_EXPRESSION);

/** What rules do; what they read is the same in every chain. */
export const EVERY_ACTION = listOf(BY_STATEMENT, BY_VERDICT);
