import type { IptablesMatch } from '../../../ruleset/iptables/match.ts';
import { readAddressRange, readMasked, readNumber, readRange } from '../../values/dump-values.ts';
import { readIcmp } from '../../values/icmp-types.ts';
import { rate, recent, statistic } from './chance.ts';
import { conntrack, state } from './conntrack.ts';
import { ipvs } from './ipvs.ts';
import { multiport, ports } from './ports.ts';
import { all, find, inverted, type Options, type MatchReader } from './written.ts';

const mark: MatchReader = (options, module) => {
  const [option] = options;
  const masked = option === undefined ? null : readMasked(option.values[0] ?? '');
  if (option === undefined || masked === null) return null;
  return { kind: module === 'mark' ? 'mark' : 'connmark', negate: option.negate, ...masked };
};

// include/uapi/linux/netfilter/xt_addrtype.h, XT_ADDRTYPE_*
const TYPES: ReadonlySet<string> = new Set([
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
]);

const readTypes = (text: string): readonly string[] | null => {
  const list = text.toUpperCase().split(',');
  return list.every((type) => TYPES.has(type)) ? list : null;
};

const addrtype: MatchReader = (options) => {
  const source = inverted(options, '--src-type', readTypes);
  const destination = inverted(options, '--dst-type', readTypes);
  if (source === undefined || destination === undefined) return null;
  const limit =
    find(options, '--limit-iface-in') !== undefined
      ? 'in'
      : find(options, '--limit-iface-out') !== undefined
        ? 'out'
        : null;
  return { kind: 'addrtype', source, destination, limit };
};

const set: MatchReader = (options) => {
  const [option, ...others] = options;
  if (option === undefined || (option.name !== '--match-set' && option.name !== '--set')) return null;
  const [name = '', flags = ''] = option.values;
  const directions = all(flags.split(',').map((flag) => (flag === 'src' || flag === 'dst' ? flag : null)));
  return directions === null ? null : { kind: 'set', negate: option.negate, set: name, directions, options: others };
};

const iprange: MatchReader = (options) => {
  const source = inverted(options, '--src-range', readAddressRange);
  const destination = inverted(options, '--dst-range', readAddressRange);
  return source === undefined || destination === undefined ? null : { kind: 'iprange', source, destination };
};

const mac: MatchReader = (options) => {
  const [option] = options;
  const text = (option?.values[0] ?? '').toUpperCase();
  if (option === undefined || !/^[0-9A-FX]{2}(?::[0-9A-FX]{2}){5}$/.test(text)) return null;
  const address = text.includes('X') ? null : BigInt(`0x${text.replaceAll(':', '')}`);
  return { kind: 'mac', negate: option.negate, address, text };
};

const physdev: MatchReader = (options) => ({
  kind: 'physdev',
  tests: options.map(({ name, negate, values: [value = ''] }) =>
    name === '--physdev-in' || name === '--physdev-out'
      ? { kind: name === '--physdev-in' ? 'in' : 'out', negate, name: value }
      : { kind: name.slice('--physdev-'.length) as 'is-in' | 'is-out' | 'is-bridged', negate },
  ),
});

const owner: MatchReader = (options) => {
  const tests = all(
    options.map(({ name, negate, values: [value = ''] }) => {
      if (name === '--socket-exists') return { kind: 'socket-exists', negate } as const;
      if (name === '--suppl-groups') return { kind: 'supplementary-groups' } as const;
      const kind = name === '--uid-owner' ? ('user' as const) : ('group' as const);
      const ids = readRange(value, 0xffff_ffff, '-');
      // A name means nothing without that machine's user list; root is the same everywhere.
      if (ids !== null) return { kind, negate, ids, name: null };
      return value === 'root' ? { kind, negate, ids: { first: 0, last: 0 }, name: value } : null;
    }),
  );
  return tests === null ? null : { kind: 'owner', tests };
};

const rpfilter: MatchReader = (options) => ({
  kind: 'rpfilter',
  loose: find(options, '--loose') !== undefined,
  validMark: find(options, '--validmark') !== undefined,
  acceptLocal: find(options, '--accept-local') !== undefined,
  invert: find(options, '--invert') !== undefined,
});

const socket: MatchReader = (options) => ({
  kind: 'socket',
  transparent: find(options, '--transparent') !== undefined,
  noWildcard: find(options, '--nowildcard') !== undefined,
  restoreMark: find(options, '--restore-skmark') !== undefined,
});

const ttl: MatchReader = (options, module) => {
  const [option] = options;
  const value = option === undefined ? null : readNumber(option.values[0] ?? '', 255);
  if (option === undefined || value === null) return null;
  const op = option.name.endsWith('-lt') ? 'lt' : option.name.endsWith('-gt') ? 'gt' : 'eq';
  return { kind: 'ttl', module: module as 'ttl' | 'hl', negate: option.negate, op, value };
};

const one = (build: (negate: boolean, value: string) => IptablesMatch | null): MatchReader => {
  return (options) => {
    const [option] = options;
    return option === undefined ? null : build(option.negate, option.values[0] ?? '');
  };
};

const READERS: ReadonlyMap<string, MatchReader> = new Map<string, MatchReader>([
  ['tcp', ports],
  ['udp', ports],
  ['udplite', ports],
  ['sctp', ports],
  ['dccp', ports],
  ['icmp', one((negate, value) => readIcmp(4, negate, value))],
  ['icmp6', one((negate, value) => readIcmp(6, negate, value))],
  ['multiport', multiport],
  ['comment', one((_negate, text) => ({ kind: 'comment', text }))],
  ['conntrack', conntrack],
  ['state', state],
  ['mark', mark],
  ['connmark', mark],
  ['addrtype', addrtype],
  ['set', set],
  ['statistic', statistic],
  ['recent', recent],
  ['iprange', iprange],
  ['mac', mac],
  ['physdev', physdev],
  ['owner', owner],
  ['limit', rate],
  ['hashlimit', rate],
  ['connlimit', rate],
  ['quota', rate],
  ['time', rate],
  ['rpfilter', rpfilter],
  ['socket', socket],
  ['ipvs', ipvs],
  ['nfacct', one((_negate, name) => ({ kind: 'nfacct', name }))],
  ['pkttype', one((negate, type) => ({ kind: 'pkttype', negate, type: type.toLowerCase() }))],
  ['ttl', ttl],
  ['hl', ttl],
  [
    'length',
    one((negate, value) => {
      const bytes = readRange(value);
      return bytes === null ? null : { kind: 'length', negate, bytes };
    }),
  ],
  [
    'dscp',
    one((negate, value) => {
      const number = readNumber(value, 63);
      return number === null ? null : { kind: 'dscp', negate, value: number };
    }),
  ],
  ...['rt', 'frag', 'hbh', 'dst', 'ah', 'esp'].map((module): [string, MatchReader] => [
    module,
    (options) => ({ kind: 'extension-header', module, options }),
  ]),
]);

/** A module with its options as a condition; null when the module or a value of an option is not known. */
export const readModule = (module: string, options: Options): IptablesMatch | null =>
  READERS.get(module)?.(options, module) ?? null;
