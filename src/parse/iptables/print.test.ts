import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { IptablesMatch, WrittenOption } from '../../ruleset/iptables/match.ts';
import type { IptablesRule } from '../../ruleset/iptables/rule.ts';
import type { IptablesTarget } from '../../ruleset/iptables/target.ts';
import { printIptablesRule, printIptablesTable } from '../../print/iptables.ts';
import { LAST, type Family } from '../../net/family.ts';
import { parseIptables } from './iptables-save.ts';
import { maskOf } from '../../net/prefix.ts';

const family: Family = 4;
const port = fc.nat({ max: 65_535 });
const range = fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const negate = fc.boolean();
const inverted = <T>(value: fc.Arbitrary<T>) => fc.option(fc.record({ negate, value }));
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,12}$/);
const word = fc.string({ unit: fc.constantFrom(...'abcXYZ012 \'"\\-!#:;/é'), minLength: 1, maxLength: 20 });
const uint32 = fc.nat({ max: 0xffff_ffff });
const ip = fc.bigInt({ min: 0n, max: LAST[4] });
const address = fc
  .tuple(ip, fc.nat({ max: 32 }))
  .map(([value, length]) => ({ family, address: value & maskOf(4, length), mask: maskOf(4, length) }));
const addresses = fc
  .tuple(ip, ip)
  .map(([a, b]) => (a < b ? { family, first: a, last: b } : { family, first: b, last: a }));
const some = <const T>(...values: readonly [T, ...T[]]) =>
  fc.subarray([...values], { minLength: 1 }).map((list): readonly T[] => list);
const states = some('INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT');
const side = fc.constantFrom('source', 'destination');
const tuple = fc.constantFrom('original-source', 'original-destination', 'reply-source', 'reply-destination');
const direction = fc.constantFrom('ORIGINAL', 'REPLY');

const match: fc.Arbitrary<IptablesMatch> = fc.oneof(
  fc.record({ kind: fc.constant('address'), side, negate, address }),
  fc.record({
    kind: fc.constant('interface'),
    side: fc.constantFrom('in', 'out'),
    negate,
    name: fc.stringMatching(/^[a-z][a-z0-9.]{0,10}\+?$/),
  }),
  fc.record({ kind: fc.constant('fragment'), negate }),
  fc.record({
    kind: fc.constant('icmp'),
    version: fc.constant(4),
    negate,
    type: fc.nat({ max: 254 }),
    code: fc.option(fc.nat({ max: 255 })),
  }),
  fc.record({
    kind: fc.constant('multiport'),
    side: fc.constantFrom('source', 'destination', 'either'),
    negate,
    ports: fc.array(range, { minLength: 1, maxLength: 8 }),
  }),
  fc.record({ kind: fc.constant('comment'), text: word }),
  fc.record({
    kind: fc.constant('conntrack'),
    tests: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('state'), negate, states }),
        fc.record({ kind: fc.constant('status'), negate, statuses: some('EXPECTED', 'SEEN_REPLY', 'ASSURED') }),
        fc.record({ kind: fc.constant('protocol'), negate, protocol: fc.nat({ max: 255 }) }),
        fc.record({ kind: fc.constant('address'), of: tuple, negate, address }),
        fc.record({ kind: fc.constant('port'), of: tuple, negate, ports: range }),
        fc.record({ kind: fc.constant('expire'), negate, seconds: range }),
        fc.record({ kind: fc.constant('direction'), negate, direction }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({ kind: fc.constant('state'), negate, states }),
  fc.record({ kind: fc.constantFrom('mark', 'connmark'), negate, value: uint32, mask: uint32 }),
  fc
    .record({
      kind: fc.constant('addrtype'),
      source: inverted(some('LOCAL', 'UNICAST', 'BROADCAST')),
      destination: inverted(some('LOCAL', 'MULTICAST')),
      limit: fc.constantFrom('in', 'out', null),
    })
    .filter(({ source, destination }) => source !== null || destination !== null),
  fc.record({
    kind: fc.constant('set'),
    negate,
    set: name,
    directions: fc.array(fc.constantFrom('src', 'dst'), { minLength: 1, maxLength: 3 }),
    options: fc.constantFrom<readonly WrittenOption[]>([], [{ name: '--return-nomatch', negate: false, values: [] }]),
  }),
  fc.record({ kind: fc.constant('statistic-random'), negate, over: fc.nat({ max: 0x8000_0000 }) }),
  fc.record({
    kind: fc.constant('statistic-nth'),
    negate,
    every: fc.integer({ min: 1, max: 99 }),
    packet: fc.nat({ max: 9 }),
  }),
  fc.record({
    kind: fc.constant('recent'),
    negate,
    action: fc.constantFrom('set', 'rcheck', 'update', 'remove'),
    list: name,
    side,
    mask: fc.constantFrom(null, '255.255.255.0'),
    seconds: fc.option(port),
    hitcount: fc.option(port),
    reap: fc.boolean(),
    rttl: fc.boolean(),
  }),
  fc
    .record({ kind: fc.constant('iprange'), source: inverted(addresses), destination: inverted(addresses) })
    .filter(({ source, destination }) => source !== null || destination !== null),
  fc.record({
    kind: fc.constant('physdev'),
    tests: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constantFrom('in', 'out'), negate, name }),
        fc.record({ kind: fc.constantFrom('is-in', 'is-out', 'is-bridged'), negate }),
      ),
      { minLength: 1, maxLength: 2 },
    ),
  }),
  fc.record({
    kind: fc.constant('owner'),
    tests: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constantFrom('user', 'group'), negate, ids: range, name: fc.constant(null) }),
        fc.record({ kind: fc.constant('socket-exists'), negate }),
      ),
      { minLength: 1, maxLength: 2 },
    ),
  }),
  fc.record({
    kind: fc.constant('rate'),
    module: fc.constant('hashlimit'),
    options: fc.constant([
      { name: '--hashlimit-above', negate: false, values: ['5/sec'] },
      { name: '--hashlimit-name', negate: false, values: ['a b'] },
    ]),
  }),
  fc.record({
    kind: fc.constant('rpfilter'),
    loose: fc.boolean(),
    validMark: fc.boolean(),
    acceptLocal: fc.boolean(),
    invert: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('socket'),
    transparent: fc.boolean(),
    noWildcard: fc.boolean(),
    restoreMark: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('ipvs'),
    tests: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('ipvs'), negate }),
        fc.record({ kind: fc.constant('protocol'), negate, protocol: fc.nat({ max: 255 }) }),
        fc.record({ kind: fc.constant('address'), negate, address }),
        fc.record({ kind: fc.constantFrom('port', 'control-port'), negate, port }),
        fc.record({ kind: fc.constant('direction'), negate, direction }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({ kind: fc.constant('nfacct'), name }),
  fc.record({ kind: fc.constant('pkttype'), negate, type: fc.constantFrom('unicast', 'broadcast', 'multicast') }),
  fc.record({
    kind: fc.constant('ttl'),
    module: fc.constant('ttl'),
    negate,
    op: fc.constantFrom('eq', 'lt', 'gt'),
    value: fc.nat({ max: 255 }),
  }),
  fc.record({ kind: fc.constant('length'), negate, bytes: range }),
  fc.record({ kind: fc.constant('dscp'), negate, value: fc.nat({ max: 63 }) }),
);

const flags = { mask: fc.nat({ max: 63 }), set: fc.nat({ max: 63 }) };

/** The protocol and what belongs to it stand together, at the front. */
const transport: fc.Arbitrary<readonly IptablesMatch[]> = fc.oneof(
  fc.constant([]),
  fc.record({ kind: fc.constant('protocol'), negate, protocol: fc.nat({ max: 255 }) }).map((one) => [one]),
  fc
    .record({
      kind: fc.constant('ports'),
      module: fc.constant('tcp'),
      source: inverted(range),
      destination: inverted(range),
      flags: inverted(fc.record(flags)),
      option: inverted(fc.integer({ min: 1, max: 255 })),
    })
    .map((ports): readonly IptablesMatch[] => [{ kind: 'protocol', negate: false, protocol: 6 }, ports]),
  fc
    .record({
      kind: fc.constant('ports'),
      module: fc.constantFrom('udp', 'sctp'),
      source: inverted(range),
      destination: inverted(range),
      flags: fc.constant(null),
      option: fc.constant(null),
    })
    .map((ports): readonly IptablesMatch[] => [
      { kind: 'protocol', negate: false, protocol: ports.module === 'udp' ? 17 : 132 },
      ports,
    ]),
);

const natFlags = { random: fc.boolean(), fullyRandom: fc.boolean(), persistent: fc.boolean() };
const natRange = fc.oneof(
  fc.record({ addresses, ports: fc.option(range), basePort: fc.constant(null) }),
  fc.record({ addresses: fc.constant(null), ports: range, basePort: fc.constant(null) }),
  fc.record({ addresses, ports: range, basePort: port }),
);

const target: fc.Arbitrary<IptablesTarget | null> = fc.oneof(
  fc.constant(null),
  fc.record({ kind: fc.constantFrom('accept', 'drop', 'return', 'trace') }),
  fc.record({ kind: fc.constantFrom('jump', 'goto'), chain: fc.constantFrom('KUBE-A', 'b', 'LOG_DROP') }),
  fc.constantFrom<IptablesTarget>(
    { kind: 'reject', with: 'tcp-reset', word: 'tcp-reset' },
    { kind: 'reject', with: 'port-unreachable', word: '' },
    { kind: 'reject', with: 'host-prohibited', word: 'icmp-host-prohibited' },
    { kind: 'ct', module: 'CT', notrack: true, options: [] },
    { kind: 'ct', module: 'NOTRACK', notrack: true, options: [] },
    { kind: 'ct', module: 'CT', notrack: false, options: [{ name: '--zone', negate: false, values: ['7'] }] },
    { kind: 'other', module: 'TCPMSS', options: [{ name: '--clamp-mss-to-pmtu', negate: false, values: [] }] },
    { kind: 'set', options: [{ name: '--add-set', negate: false, values: ['seen', 'src,dst'] }] },
    { kind: 'tee', options: [{ name: '--gateway', negate: false, values: ['192.0.2.1'] }] },
  ),
  fc
    .record({ first: port, last: port, bypass: fc.boolean(), fanout: fc.boolean() })
    .map(({ first, last, bypass, fanout }): IptablesTarget => ({
      kind: 'queue',
      first: Math.min(first, last),
      last: Math.max(first, last),
      bypass,
      fanout,
      module: 'NFQUEUE',
    })),
  fc.record({ kind: fc.constant('nat'), how: fc.constantFrom('dnat', 'snat'), to: natRange, ...natFlags }),
  fc
    .record({ how: fc.constantFrom('masquerade', 'redirect'), ports: fc.option(range), random: fc.boolean() })
    .map(({ how, ports, random }): IptablesTarget => ({
      kind: 'nat',
      how,
      to: ports === null ? null : { addresses: null, ports, basePort: null },
      random,
      fullyRandom: false,
      persistent: false,
    })),
  address.map(({ address: first, mask }): IptablesTarget => ({
    kind: 'nat',
    how: 'netmap',
    to: { addresses: { family, first, last: first | (LAST[4] ^ mask) }, ports: null, basePort: null },
    random: false,
    fullyRandom: false,
    persistent: false,
  })),
  fc.record({ kind: fc.constantFrom('mark', 'connmark-set'), value: uint32, mask: uint32 }),
  fc.record({ kind: fc.constantFrom('connmark-save', 'connmark-restore'), nfMask: uint32, ctMask: uint32 }),
  fc.record({
    kind: fc.constant('log'),
    module: fc.constantFrom('LOG', 'NFLOG'),
    prefix: fc.option(word),
    options: fc.constant([]),
  }),
  fc.record({
    kind: fc.constant('tproxy'),
    address: fc.option(fc.record({ family: fc.constant(family), value: fc.bigInt({ min: 1n, max: LAST[4] }) })),
    port,
    mark: uint32,
    mask: uint32,
  }),
);

const rule: fc.Arbitrary<IptablesRule> = fc
  .record({
    transport,
    matches: fc.array(match, { maxLength: 4 }),
    target,
    counter: fc.record({
      packets: fc.bigInt({ min: 0n, max: 1n << 63n }),
      bytes: fc.bigInt({ min: 0n, max: 1n << 63n }),
    }),
  })
  .map(({ transport: first, matches, target: to, counter }) => ({
    kind: 'iptables',
    matches: [...first, ...matches],
    target: to,
    counter,
    line: 0,
  }));

const table = (rules: readonly IptablesRule[]) => ({
  engine: 'iptables-legacy' as const,
  family: 'ip' as const,
  name: 'mangle',
  chains: new Map(
    ['FORWARD', 'KUBE-A', 'b', 'LOG_DROP'].map((chain) => [
      chain,
      {
        name: chain,
        base: chain === 'FORWARD' ? { type: 'filter', hook: 'forward', priority: -150, policy: 'drop' as const } : null,
        rules: chain === 'FORWARD' ? rules : [],
      },
    ]),
  ),
  sets: new Map(),
  counters: new Map(),
});

describe('printing iptables rules', () => {
  test('law 1: what is printed is read back as the same rules', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), (rules) => {
        const text = printIptablesTable(table(rules));
        const read = parseIptables({ name: 'printed', text }, { family });
        assert.ok(read.ok);
        const [first] = read.value.tables;
        const back = first?.chains.get('FORWARD');
        assert.deepEqual(back?.base, { type: 'filter', hook: 'forward', priority: -150, policy: 'drop' });
        assert.deepEqual(
          back.rules.map((one) => ({ ...one, line: 0 })),
          structuredClone(rules),
          text,
        );
        assert.deepEqual([first?.family, first?.name, read.value.understood], ['ip', 'mangle', rules.length], text);
      }),
      { numRuns: 2000 },
    );
  });

  const lines: readonly (readonly [string, string?])[] = [
    // as it is written, and as it is printed where that differs
    ['-s 192.0.2.0/24 ! -d 10.0.0.0/255.0.255.0 -j DROP'],
    ['-s 192.0.2.7 -j ACCEPT', '-s 192.0.2.7/32 -j ACCEPT'],
    ['-p tcp --dport 22 -j ACCEPT', '-p tcp -m tcp --dport 22 -j ACCEPT'],
    ['-p 6 --syn', '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN'],
    [
      '-p udp -m udp -m comment --comment "a \\"b\\"" --dport 53',
      '-p udp -m udp --dport 53 -m comment --comment "a \\"b\\""',
    ],
    ['-s ! 192.0.2.0/24 -p tcp -m tcp --dport ! 22', '! -s 192.0.2.0/24 -p tcp -m tcp ! --dport 22'],
    ['-m statistic --mode random --probability 0.3333333333', '-m statistic --mode random --probability 0.33333333349'],
    ['-j MARK --set-mark 0x1/0xf0', '-j MARK --set-xmark 0x1/0xf1'],
    ['-j MARK --or-mark 0x4000', '-j MARK --set-xmark 0x4000/0x4000'],
    ['-j MARK --and-mark 0xff', '-j MARK --set-xmark 0x0/0xffffff00'],
    ['-j CONNMARK --save-mark', '-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff'],
    ['-j DNAT --to-destination 10.0.0.1-10.0.0.3:80-90'],
    ['-j DNAT --to-destination [fd00::1]:80'],
    ['-j REDIRECT --to-ports 65535'],
    ['-m frobnicate --deep 3 ! --wide -j DROP'],
    ['-j SYNPROXY --mss 1460'],
    ['-m tcp --dport http -j ACCEPT', '-m tcp --dport 80 -j ACCEPT'],
  ];
  for (const [written, printed] of lines)
    test(`${written} is printed as ${printed ?? 'it is'}`, () => {
      const read = parseIptables({ name: 'line', text: `*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ${written}\nCOMMIT\n` });
      assert.ok(read.ok);
      const [first] = read.value.tables[0]?.chains.get('INPUT')?.rules ?? [];
      assert.equal(first === undefined ? null : printIptablesRule(first), printed ?? written);
    });
});
