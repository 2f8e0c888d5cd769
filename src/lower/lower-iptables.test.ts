import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress } from '../net/address.ts';
import { valueText, type Value } from '../ruleset/values/data-type.ts';
import { fraction, nominalShare } from './fraction.ts';
import type { IptablesMatch } from '../ruleset/iptables/match.ts';
import type { IptablesTarget } from '../ruleset/iptables/target.ts';
import { lowerMatch } from './lower-iptables-match.ts';
import { lowerTarget } from './lower-iptables-target.ts';
import type { ValueSource } from './value-source.ts';
import type { Step } from './step.ts';

const bits = (value: bigint): string => `0x${value.toString(16)}`;

const readingText = (reading: ValueSource): string => {
  if (typeof reading === 'string') return reading;
  switch (reading.kind) {
    case 'masked':
      return `${reading.field}&${bits(reading.and)}`;
    case 'constant':
      return valueText(reading.value);
    case 'mapped':
    case 'unknown':
      return reading.kind;
  }
};

const values = (list: readonly Value[]): string =>
  list
    .map((value) => (value.kind === 'range' && value.first === value.last ? `${value.first}` : valueText(value)))
    .join('|');

/** Steps as one short line. */
const text = (steps: readonly Step[]): string => steps.map(stepText).join('; ');

const stepText = (step: Step): string => {
  const not = 'negate' in step && step.negate ? '!' : '';
  switch (step.kind) {
    case 'test':
      return `${not}${readingText(step.field)}=${values(step.values)}`;
    case 'any':
      return `${not}any(${step.of.map(text).join(' or ')})`;
    case 'lookup':
      return `${not}${step.key.map(readingText).join('.')} in ${typeof step.set === 'string' ? step.set : step.set.map(values).join(' ')}`;
    case 'ipset':
      return `${not}ipset ${step.set} ${step.directions.join(',')}`;
    case 'choose':
      return `${step.how} ${step.arms.map(({ share, then }) => `${share.over}/${share.of} ${then === null ? 'no' : text(then) || 'yes'}`).join(', ')}`;
    case 'maybe':
      return `maybe ${step.why}${step.name === undefined ? '' : ` ${step.name}`}`;
    case 'record':
      return `record ${step.what} ${step.name}`;
    case 'write':
      return `${step.field}=(${step.field}&${bits(step.keep)})^${readingText(step.value)}`;
    case 'nat':
      return `${step.how} ${step.to.address === null ? '-' : readingText(step.to.address)} ${step.to.port === null ? '-' : readingText(step.to.port)}`;
    case 'tproxy':
      return `tproxy or ${step.otherwise}`;
    case 'note':
      return `note ${step.what}`;
    case 'verdict':
      return 'chain' in step.verdict ? `${step.verdict.kind} ${step.verdict.chain}` : step.verdict.kind;
    case 'unknown':
      return `unknown ${step.may}`;
    case 'notrack':
    case 'verdict-map':
      return step.kind;
  }
};

const ip = (address: string): bigint => {
  const read = parseAddress(address);
  return read.ok ? read.value.value : -1n;
};

describe('what conditions of iptables mean', () => {
  const port = { first: 80, last: 80 };
  const cases: readonly (readonly [string, IptablesMatch, string])[] = [
    [
      '! -s 10.0.0.0/8',
      {
        kind: 'address',
        side: 'source',
        negate: true,
        address: { family: 4, address: ip('10.0.0.0'), mask: ip('255.0.0.0') },
      },
      '!source=167772160-184549375',
    ],
    [
      '-d 10.0.7.0/255.0.255.0, a mask that is no prefix',
      {
        kind: 'address',
        side: 'destination',
        negate: false,
        address: { family: 4, address: ip('10.0.7.0'), mask: ip('255.0.255.0') },
      },
      'destination&0xff00ff00=167773952',
    ],
    ['-i cali+', { kind: 'interface', side: 'in', negate: false, name: 'cali+' }, 'in-interface=cali*'],
    ['! -o eth0', { kind: 'interface', side: 'out', negate: true, name: 'eth0' }, '!out-interface=eth0'],
    ['-p all', { kind: 'protocol', negate: false, protocol: 0 }, ''],
    [
      '-m multiport ! --ports 80,90:91',
      { kind: 'multiport', side: 'either', negate: true, ports: [port, { first: 90, last: 91 }] },
      '!any(source-port=80|90-91 or destination-port=80|90-91)',
    ],
    ['--icmp-type 3/4', { kind: 'icmp', version: 4, negate: true, type: 3, code: 4 }, '!icmp-type.icmp-code in 3|4'],
    [
      '--ctstate RELATED,DNAT',
      { kind: 'conntrack', tests: [{ kind: 'state', negate: false, states: ['RELATED', 'DNAT'] }] },
      'any(ct-state=related or ct-status=dnat)',
    ],
    [
      '--ctstate with another test: a packet without a connection skips the other one',
      {
        kind: 'conntrack',
        tests: [
          { kind: 'state', negate: false, states: ['NEW', 'INVALID'] },
          { kind: 'protocol', negate: false, protocol: 6 },
        ],
      },
      'ct-state=new|invalid; any(ct-protocol=6 or ct-state=untracked|invalid)',
    ],
    [
      '--ctorigdstport 30001 alone',
      {
        kind: 'conntrack',
        tests: [{ kind: 'port', of: 'original-destination', negate: false, ports: { first: 30_001, last: 30_001 } }],
      },
      'ct-original-destination-port=30001',
    ],
    ['--mark 0x4000/0x4000', { kind: 'mark', negate: true, value: 0x4000, mask: 0x4000 }, '!mark&0x4000=16384'],
    ['--mark 0x1', { kind: 'connmark', negate: false, value: 1, mask: 0xffff_ffff }, 'ct-mark=1'],
    [
      '--dst-type LOCAL',
      { kind: 'addrtype', source: null, destination: { negate: false, value: ['LOCAL'] }, limit: null },
      'destination-type=local',
    ],
    [
      '--src-type UNICAST: in IPv6 also what the routing tables call otherwise',
      { kind: 'addrtype', source: { negate: false, value: ['UNICAST'] }, destination: null, limit: 'in' },
      'any(source-type-on-in-interface=unicast or family=10; source-type-on-in-interface=local|anycast|blackhole|unreachable|prohibit)',
    ],
    [
      '! --match-set S dst,src',
      { kind: 'set', negate: true, set: 'S', directions: ['dst', 'src'], options: [] },
      '!ipset S dst,src',
    ],
    [
      '--probability of a third',
      { kind: 'statistic-random', negate: false, over: 715_827_883 },
      'random 1/3 yes, 2/3 no',
    ],
    [
      'not with that probability',
      { kind: 'statistic-random', negate: true, over: 715_827_883 },
      'random 2/3 yes, 1/3 no',
    ],
    ['every fourth', { kind: 'statistic-nth', negate: false, every: 4, packet: 0 }, 'turn 1/4 yes, 3/4 no'],
    [
      '-m owner ! --uid-owner 0: holds for packets that no socket sends',
      { kind: 'owner', tests: [{ kind: 'user', negate: true, ids: { first: 0, last: 0 }, name: null }] },
      'any(!socket-user=0 or sending-socket=no)',
    ],
    [
      '-m rpfilter --invert',
      { kind: 'rpfilter', loose: false, validMark: false, acceptLocal: false, invert: true },
      '!reverse-path=yes',
    ],
    ['--physdev-is-in', { kind: 'physdev', tests: [{ kind: 'is-in', negate: false }] }, '!in-bridge-port='],
    ['--ttl-lt 5', { kind: 'ttl', module: 'ttl', negate: false, op: 'lt', value: 5 }, 'ttl=0-4'],
    ['a blacked-out MAC', { kind: 'mac', negate: false, address: null, text: 'XX:XX:XX:XX:XX:XX' }, 'unknown match'],
    ['-m limit', { kind: 'rate', module: 'limit', options: [] }, 'maybe limit'],
    ['-m comment', { kind: 'comment', text: 'x' }, ''],
    ['a module that nobody knows', { kind: 'unknown', text: '-m x' }, 'unknown match'],
  ];
  for (const [name, match, meaning] of cases)
    test(`${name} → ${meaning}`, () => assert.equal(text(lowerMatch(match)), meaning));

  const recent = {
    kind: 'recent',
    list: 'L',
    side: 'source',
    mask: null,
    seconds: 60,
    hitcount: null,
    reap: false,
    rttl: false,
  } as const;
  const actions: readonly (readonly ['set' | 'rcheck' | 'update' | 'remove', boolean, string])[] = [
    ['set', false, 'record recent L'],
    ['set', true, 'record recent L; turn 1/1 no'],
    ['rcheck', false, 'maybe recent L'],
    ['update', false, 'maybe recent L; record recent L'],
    ['remove', true, 'maybe recent L; record recent L'],
  ];
  for (const [action, negate, meaning] of actions)
    test(`-m recent ${negate ? '! ' : ''}--${action} → ${meaning}`, () =>
      assert.equal(text(lowerMatch({ ...recent, action, negate })), meaning));
});

describe('what targets of iptables do', () => {
  const nat = { kind: 'nat', random: false, fullyRandom: false, persistent: false } as const;
  const addresses = { family: 4, first: 1n, last: 3n } as const;
  const cases: readonly (readonly [string, IptablesTarget, string])[] = [
    [
      'MARK --set-xmark 0x4000/0x4000',
      { kind: 'mark', value: 0x4000, mask: 0x4000 },
      'mark=(mark&0xffffbfff)^16384-16384',
    ],
    [
      'MARK --set-xmark 0x4000/0x0 flips the bit',
      { kind: 'mark', value: 0x4000, mask: 0 },
      'mark=(mark&0xffffffff)^16384-16384',
    ],
    [
      'CONNMARK --save-mark',
      { kind: 'connmark-save', nfMask: 0xff, ctMask: 0xff00 },
      'ct-mark=(ct-mark&0xffff00ff)^mark&0xff',
    ],
    [
      'CONNMARK --restore-mark',
      { kind: 'connmark-restore', nfMask: 0xff, ctMask: 0xff00 },
      'mark=(mark&0xffffff00)^ct-mark&0xff00',
    ],
    [
      'DNAT to a range and a port',
      { ...nat, how: 'dnat', to: { addresses, ports: { first: 80, last: 80 }, basePort: null } },
      'dnat 1-3 80-80',
    ],
    ['MASQUERADE', { ...nat, how: 'masquerade', to: null }, 'masquerade - -'],
    [
      'REDIRECT --to-ports 65535',
      { ...nat, how: 'redirect', to: { addresses: null, ports: { first: 65_535, last: 65_535 }, basePort: null } },
      'redirect - 65535-65535',
    ],
    ['CT --notrack', { kind: 'ct', module: 'CT', notrack: true, options: [] }, 'notrack'],
    [
      'CT --zone 7',
      { kind: 'ct', module: 'CT', notrack: false, options: [{ name: '--zone', negate: false, values: ['7'] }] },
      'ct-zone=(ct-zone&0x0)^7-7',
    ],
    [
      'TPROXY drops where no socket waits',
      { kind: 'tproxy', address: null, port: 15_001, mark: 1, mask: 1 },
      'tproxy or drop; mark=(mark&0xfffffffe)^1-1; accept',
    ],
    ['LOG goes on', { kind: 'log', module: 'LOG', prefix: null, options: [] }, 'note log'],
    ['-g CHAIN', { kind: 'goto', chain: 'X' }, 'goto X'],
    ['REJECT', { kind: 'reject', with: 'port-unreachable', word: '' }, 'reject'],
    ['a target that nobody knows', { kind: 'unknown', text: 'X --y' }, 'unknown match-and-decide'],
  ];
  for (const [name, target, meaning] of cases)
    test(`${name} → ${meaning}`, () => assert.equal(text(lowerTarget(target)), meaning));
});

describe('the fraction behind a probability', () => {
  test("each of kube-proxy's 1/n, written with ten decimals, is found again", () => {
    for (let n = 1; n <= 5000; n++) {
      const written = Number((1 / n).toFixed(10));
      assert.deepEqual(nominalShare(Math.round(0x8000_0000 * written)), fraction(1n, BigInt(n)), `1/${n}`);
    }
  });
  test('none and all', () => {
    assert.deepEqual([nominalShare(0), nominalShare(0x8000_0000)], [fraction(0n, 1n), fraction(1n, 1n)]);
  });
});
