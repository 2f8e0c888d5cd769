import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  capturedNode,
  CAPTURED_MODES,
  withClassicRule,
  type CapturedMode,
} from '../../../test/support/captured-node.ts';
import { nodeWith, savedTables } from '../../../test/support/node-with.ts';
import { formatAddress } from '../../net/address.ts';
import { WIDTH } from '../../net/family.ts';
import { PROTOCOL_NUMBER } from '../../net/protocol.ts';
import { count, difference, equals, fullSet, intersection, isEmpty, ranges, union } from '../../net/prefix-set.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import { onePacket } from '../../simulate/state/packet-set.ts';
import { simulate } from '../../simulate/simulate.ts';
import { auditRuleset, type Audited } from './audit.ts';

/** What the simulation of one packet says: the same question, asked for a single source. */
const asked = (ruleset: Ruleset, { exposure, destination, entry }: Audited, value: bigint): 'yes' | 'no' | 'maybe' => {
  const { outcomes } = simulate(
    ruleset,
    onePacket({
      source: { family: exposure.family, value },
      destination,
      protocol: PROTOCOL_NUMBER[exposure.protocol],
      destinationPort: exposure.port,
      entry,
    }),
  );
  const counts = exposure.kind === 'HealthCheck' || exposure.kind === 'HostPort';
  const reached = outcomes.map(
    ({ result, listener }) => result === 'delivered' || (counts && result === 'local' && listener !== false),
  );
  if (outcomes.some(({ result }) => result === 'unknown')) return 'maybe';
  return reached.every(Boolean) ? 'yes' : reached.some(Boolean) ? 'maybe' : 'no';
};

const MOST_RANGES = 24;

/** Both ends of the ranges of every part. Neighbours are the ends of other parts. */
const disagreements = (ruleset: Ruleset, audited: Audited): readonly string[] =>
  audited.parts.flatMap(({ sources, reached }) => {
    const all = [...ranges(sources)];
    const tried = all.length > MOST_RANGES ? [...all.slice(0, MOST_RANGES / 2), ...all.slice(-MOST_RANGES / 2)] : all;
    return [...new Set(tried.flatMap(({ first, last }) => [first, last]))].flatMap((value) => {
      const said = asked(ruleset, audited, value);
      const { exposure, entry } = audited;
      return said === reached
        ? []
        : [
            `${exposure.id} by ${entry.kind === 'node' ? 'node' : entry.name} from ${formatAddress({ family: exposure.family, value })}: set ${reached}, packet ${said}`,
          ];
    });
  });

/** The parts cover the family, each address once, and may and must follow from them. */
const checkParts = ({ exposure, parts, may, must }: Audited): void => {
  const { family } = exposure;
  const sum = parts.reduce((total, { sources }) => total + count(sources), 0n);
  assert.equal(sum, 1n << BigInt(WIDTH[family]), exposure.id);
  const whole = parts.map(({ sources }) => sources).reduce((all, one) => union(all, one));
  assert.ok(equals(whole, fullSet(family)), exposure.id);
  assert.ok(isEmpty(difference(must, may)), exposure.id);
  for (const { reached, sources, separatedBy } of parts) {
    assert.equal(isEmpty(intersection(sources, may)), reached === 'no');
    assert.equal(isEmpty(intersection(sources, must)), reached !== 'yes');
    assert.equal(separatedBy.length > 0, reached === 'maybe', exposure.id);
  }
};

const check = (ruleset: Ruleset, entries: readonly string[]): void => {
  const audited = auditRuleset(ruleset, { entries, ports: null, all: true });
  assert.ok(audited.length > 0);
  for (const one of audited) checkParts(one);
  assert.deepEqual(
    audited.flatMap((one) => disagreements(ruleset, one)),
    [],
  );
};

describe('sets of sources and single packets agree at every boundary', () => {
  for (const mode of CAPTURED_MODES)
    for (const set of ['small', 'small-masqueradeAll', 'small-nodePortAddresses-primary'])
      test(`${mode}, ${set}`, () => check(capturedNode(mode, set), ['eth0', 'cni0', 'node']));

  for (const mode of CAPTURED_MODES)
    for (const rule of ['INPUT-DROP', 'REDIRECT'] as const)
      test(`${mode} with an administrator's ${rule}`, () =>
        check(withClassicRule(mode, rule, mode === 'iptables-legacy' || mode === 'ipvs' ? 'legacy' : 'nft'), ['eth0']));
});

const source = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom(
      '198.51.100.0/24',
      '198.51.100.0/30',
      '198.51.100.9/32',
      '203.0.113.0/24',
      '10.0.0.0/8',
      '0.0.0.0/1',
      '192.0.2.0/24',
    ),
  )
  .map(([negate, prefix]) => `${negate ? '! ' : ''}-s ${prefix} `);

const condition = fc.oneof(
  { weight: 4, arbitrary: source },
  { weight: 1, arbitrary: fc.constant('') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '-m limit --limit 1/s ',
      '-m iprange --src-range 198.51.100.7-203.0.113.8 ',
      '-m mark --mark 0x1 ',
      '-m statistic --mode random --probability 0.5 ',
      '-p tcp --dport 30001 ',
      '-p tcp --dport 8080 ',
      '-p udp ',
      '-m conntrack --ctstate NEW ',
      '-m frobnicate --level 3 ',
      '-i eth0 ',
    ),
  },
);

const rule = (chain: string, targets: readonly string[]) =>
  fc.tuple(condition, fc.constantFrom(...targets)).map(([match, target]) => `-A ${chain} ${match}-j ${target}`);

const FILTERS = ['DROP', 'ACCEPT', 'RETURN', 'MARK --set-mark 0x1', 'MY-CHAIN'];

const rulesets = fc.record({
  before: fc.array(
    rule('PREROUTING', [
      'ACCEPT',
      'RETURN',
      'REDIRECT --to-ports 22',
      'REDIRECT --to-ports 65535',
      'MARK --set-mark 0x1',
    ]),
    { maxLength: 3 },
  ),
  forward: fc.array(rule('FORWARD', FILTERS), { maxLength: 5 }),
  mine: fc.array(rule('MY-CHAIN', ['DROP', 'ACCEPT', 'RETURN']), { minLength: 1, maxLength: 3 }),
});

describe('random rules', () => {
  test('sets and packets agree for 150 of them', () => {
    fc.assert(
      fc.property(rulesets, ({ before, forward, mine }) => {
        const text = savedTables({
          nat: [
            ...before,
            '-A PREROUTING -j KUBE-SERVICES',
            '-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
            '-A KUBE-NODEPORTS -p tcp -m comment --comment shop/web -m tcp --dport 30001 -j KUBE-SVL-AAAAAAAAAAAAAAAA',
            '-A KUBE-SVL-AAAAAAAAAAAAAAAA -m statistic --mode random --probability 0.5 -j KUBE-SEP-BBBBBBBBBBBBBBBB',
            '-A KUBE-SVL-AAAAAAAAAAAAAAAA -j KUBE-SEP-CCCCCCCCCCCCCCCC',
            '-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m tcp -j DNAT --to-destination 10.244.1.64:8080',
            '-A KUBE-SEP-CCCCCCCCCCCCCCCC -p tcp -m tcp -j DNAT --to-destination 10.244.2.21:8080',
          ],
          filter: [...mine, ...forward],
        });
        const ruleset = nodeWith({ 'iptables-save.txt': text, 'ss-listening.txt': null });
        const audited = auditRuleset(ruleset, { entries: ['eth0'], ports: new Set([30_001]), all: false });
        assert.equal(audited.length, 1, text);
        for (const one of audited) {
          checkParts(one);
          assert.deepEqual(disagreements(ruleset, one), [], text);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('what no dump tells', () => {
  const withoutIpvsDump = (mode: CapturedMode): Ruleset =>
    capturedNode(mode, 'small', (files) => new Map([...files].filter(([name]) => !name.startsWith('ipvsadm'))));

  test('ipvs mode without the services of IPVS: nobody reaches a port for certain, everybody perhaps', () => {
    const ruleset = withoutIpvsDump('ipvs');
    const [audited] = auditRuleset(ruleset, { entries: ['eth0'], ports: new Set([30_001]), all: false });
    assert.ok(audited !== undefined);
    assert.ok(isEmpty(audited.must));
    assert.ok(count(audited.may) > 1n << 31n);
    const [maybe] = audited.parts.filter(({ reached }) => reached === 'maybe');
    assert.deepEqual(
      maybe?.separatedBy.map(({ kind }) => kind),
      ['ipvs'],
    );
  });

  test('another mode without them: kube-proxy does not use IPVS there', () => {
    const ruleset = withoutIpvsDump('nftables');
    const [audited] = auditRuleset(ruleset, { entries: ['eth0'], ports: new Set([30_001]), all: false });
    assert.ok(audited !== undefined && !isEmpty(audited.must));
  });
});
