import { between, single, symbol } from '../ruleset/values/data-type.ts';
import type { Field, ReversePathField } from './field.ts';
import type { Inverted, IptablesMatch, IpvsTest, NumberRange, WrittenOption } from '../ruleset/iptables/match.ts';
import { lowerNth, lowerRandom, lowerRecent } from './lower-iptables-chance.ts';
import { lowerConntrack, lowerStates } from './lower-iptables-conntrack.ts';
import { addressTest, interfaceValue, ofRange, test, type MatchOf } from './lower-iptables-values.ts';
import type { Step } from './step.ts';

const portTest = (field: Field, ports: Inverted<NumberRange> | null): readonly Step[] =>
  ports === null ? [] : [test(field, ports.negate, ofRange(ports.value))];

const numberOption = (field: Field, option: Inverted<number> | null): readonly Step[] =>
  option === null ? [] : [test(field, option.negate, single(option.value))];

const lowerPorts = ({ source, destination, flags, option }: MatchOf<'ports'>): readonly Step[] => [
  ...portTest('source-port', source),
  ...portTest('destination-port', destination),
  ...(flags === null
    ? []
    : [
        test(
          { kind: 'masked', field: 'tcp-flags', and: BigInt(flags.value.mask), xor: 0n, shift: 0 },
          flags.negate,
          single(flags.value.set),
        ),
      ]),
  ...numberOption('tcp-option', option),
];

const lowerIcmp = ({ negate, type, code }: MatchOf<'icmp'>): readonly Step[] => {
  if (type === null) return negate ? [test('icmp-type', true, between(0, 255))] : [];
  if (code === null) return [test('icmp-type', negate, single(type))];
  return [{ kind: 'lookup', key: ['icmp-type', 'icmp-code'], negate, set: [[single(type), single(code)]] }];
};

const lowerMultiport = ({ side, negate, ports }: MatchOf<'multiport'>): readonly Step[] => {
  const values = ports.map(ofRange);
  if (side === 'source') return [test('source-port', negate, ...values)];
  if (side === 'destination') return [test('destination-port', negate, ...values)];
  const of = [[test('source-port', false, ...values)], [test('destination-port', false, ...values)]];
  return [{ kind: 'any', of, negate }];
};

const lowerMark = (field: 'mark' | 'ct-mark', negate: boolean, value: number, mask: number): Step =>
  test(
    mask === 0xffff_ffff ? field : { kind: 'masked', field, and: BigInt(mask), xor: 0n, shift: 0 },
    negate,
    single(value),
  );

const NOT_UNICAST_BY_ROUTE = ['local', 'anycast', 'blackhole', 'unreachable', 'prohibit'];

/**
 * In IPv6 every address that is not multicast is UNICAST, also the node's own (net/netfilter/xt_addrtype.c,
 * match_type6); in IPv4 only what the routing tables call so.
 */
const lowerTypes = (field: Field, types: Inverted<readonly string[]> | null): readonly Step[] => {
  if (types === null) return [];
  const names = types.value.map((type) => symbol(type.toLowerCase()));
  if (!types.value.includes('UNICAST')) return [test(field, types.negate, ...names)];
  const wide = [test('family', false, single(10)), test(field, false, ...NOT_UNICAST_BY_ROUTE.map(symbol))];
  return [{ kind: 'any', of: [[test(field, false, ...names)], wide], negate: types.negate }];
};

const lowerAddrtype = ({ source, destination, limit }: MatchOf<'addrtype'>): readonly Step[] => {
  const on = limit === null ? '' : (`-on-${limit}-interface` as const);
  return [...lowerTypes(`source-type${on}`, source), ...lowerTypes(`destination-type${on}`, destination)];
};

const textOf = (options: readonly WrittenOption[]): string =>
  options.map(({ name, negate, values }) => [...(negate ? ['!'] : []), name, ...values].join(' ')).join(' ');

const lowerSet = ({ negate, set, directions, options }: MatchOf<'set'>): readonly Step[] => {
  const counters = options.filter(({ name }) => /^--(?:packets|bytes)-/.test(name));
  const returnNomatch = options.some(({ name }) => name === '--return-nomatch');
  return [
    { kind: 'ipset', set, directions, negate, returnNomatch },
    ...(counters.length === 0
      ? []
      : [{ kind: 'unknown', text: textOf(counters), may: 'match' } as const satisfies Step]),
  ];
};

const rangeTest = (
  field: Field,
  range: Inverted<{ readonly first: bigint; readonly last: bigint }> | null,
): readonly Step[] => (range === null ? [] : [test(field, range.negate, between(range.value.first, range.value.last))]);

const yes = symbol('yes');

/** Without a bridge the ports are empty names, so that inverted tests hold (net/netfilter/xt_physdev.c, physdev_mt). */
const lowerPhysdev = ({ tests }: MatchOf<'physdev'>): readonly Step[] =>
  tests.map((one) => {
    switch (one.kind) {
      case 'in':
        return test('in-bridge-port', one.negate, interfaceValue(one.name));
      case 'out':
        return test('out-bridge-port', one.negate, interfaceValue(one.name));
      case 'is-in':
        return test('in-bridge-port', !one.negate, symbol(''));
      case 'is-out':
        return test('out-bridge-port', !one.negate, symbol(''));
      case 'is-bridged':
        return test('bridged', one.negate, yes);
    }
  });

/** Without a socket, inverted tests of its owner hold (net/netfilter/xt_owner.c, owner_mt). */
const lowerOwner = ({ tests }: MatchOf<'owner'>): readonly Step[] =>
  tests.flatMap((one): readonly Step[] => {
    switch (one.kind) {
      case 'user':
      case 'group': {
        const owned = test(one.kind === 'user' ? 'socket-user' : 'socket-group', one.negate, ofRange(one.ids));
        return one.negate
          ? [{ kind: 'any', of: [[owned], [test('sending-socket', false, symbol('no'))]], negate: false }]
          : [owned];
      }
      case 'socket-exists':
        return [test('sending-socket', one.negate, yes)];
      case 'supplementary-groups':
        return [];
    }
  });

const lowerIpvsTest = (one: IpvsTest): Step => {
  switch (one.kind) {
    case 'ipvs':
      return test('ipvs-connection', one.negate, yes);
    case 'protocol':
      return test('ipvs-protocol', one.negate, single(one.protocol));
    case 'address':
      return addressTest('ipvs-virtual-address', one.negate, one.address);
    case 'port':
      return test('ipvs-virtual-port', one.negate, single(one.port));
    case 'control-port':
      return test('ipvs-virtual-control-port', one.negate, single(one.port));
    case 'direction':
      return test('ipvs-direction', one.negate, symbol(one.direction.toLowerCase()));
    case 'method':
      return test('ipvs-method', one.negate, symbol(one.method.toLowerCase()));
  }
};

const lowerTtl = ({ negate, op, value }: MatchOf<'ttl'>): Step => {
  switch (op) {
    case 'eq':
      return test('ttl', negate, single(value));
    case 'lt':
      return test('ttl', negate, ...(value === 0 ? [] : [between(0, value - 1)]));
    case 'gt':
      return test('ttl', negate, ...(value === 255 ? [] : [between(value + 1, 255)]));
  }
};

const reversePath = ({ loose, acceptLocal, validMark }: MatchOf<'rpfilter'>): ReversePathField =>
  `reverse-path${loose ? '-loose' : ''}${acceptLocal ? '-or-local' : ''}${validMark ? '-by-mark' : ''}`;

/** One condition as steps. */
export const lowerMatch = (match: IptablesMatch): readonly Step[] => {
  switch (match.kind) {
    case 'address':
      return [addressTest(match.side, match.negate, match.address)];
    case 'interface':
      return [test(match.side === 'in' ? 'in-interface' : 'out-interface', match.negate, interfaceValue(match.name))];
    case 'protocol':
      return match.protocol === 0 && !match.negate ? [] : [test('protocol', match.negate, single(match.protocol))];
    case 'fragment':
      return [test('fragment', match.negate, symbol('later'))];
    case 'ports':
      return lowerPorts(match);
    case 'icmp':
      return lowerIcmp(match);
    case 'multiport':
      return lowerMultiport(match);
    case 'comment':
      return [];
    case 'conntrack':
      return lowerConntrack(match);
    case 'state':
      return [lowerStates(match.negate, match.states)];
    case 'mark':
      return [lowerMark('mark', match.negate, match.value, match.mask)];
    case 'connmark':
      return [lowerMark('ct-mark', match.negate, match.value, match.mask)];
    case 'addrtype':
      return lowerAddrtype(match);
    case 'set':
      return lowerSet(match);
    case 'statistic-random':
      return [lowerRandom(match)];
    case 'statistic-nth':
      return [lowerNth(match)];
    case 'recent':
      return lowerRecent(match);
    case 'iprange':
      return [...rangeTest('source', match.source), ...rangeTest('destination', match.destination)];
    case 'mac':
      return match.address === null
        ? [{ kind: 'unknown', text: `${match.negate ? '! ' : ''}--mac-source ${match.text}`, may: 'match' }]
        : [test('source-mac', match.negate, single(match.address))];
    case 'physdev':
      return lowerPhysdev(match);
    case 'owner':
      return lowerOwner(match);
    case 'rate':
      return [{ kind: 'maybe', why: match.module, text: textOf(match.options) }];
    case 'rpfilter':
      return [test(reversePath(match), match.invert, yes)];
    case 'socket':
      return [
        test(match.transparent ? 'socket-transparent' : 'socket', false, yes),
        ...(match.restoreMark ? [{ kind: 'write', field: 'mark', keep: 0n, value: 'socket-mark' } as const] : []),
      ];
    case 'ipvs':
      return match.tests.map(lowerIpvsTest);
    case 'nfacct':
      return [{ kind: 'note', what: 'counter', text: match.name }];
    case 'pkttype':
      return [test('packet-type', match.negate, symbol(match.type))];
    case 'ttl':
      return [lowerTtl(match)];
    case 'length':
      return [test('length', match.negate, ofRange(match.bytes))];
    case 'dscp':
      return [test('dscp', match.negate, single(match.value))];
    case 'extension-header':
      return [
        test('extension-header', false, symbol(match.module)),
        ...(match.options.length === 0
          ? []
          : [{ kind: 'unknown', text: `-m ${match.module} ${textOf(match.options)}`, may: 'match' } as const]),
      ];
    case 'unknown':
      return [{ kind: 'unknown', text: match.text, may: 'match' }];
  }
};
