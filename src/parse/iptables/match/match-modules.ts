import type { IptablesMatch } from '../../../ruleset/iptables/match.ts';
import { readAddressRange, readMasked, readNumber, readRange } from '../../values/dump-values.ts';
import { readIcmp } from '../../values/icmp-types.ts';
import { rate, recent, statistic } from './chance.ts';
import { conntrack, state } from './conntrack.ts';
import { ipvs } from './ipvs.ts';
import { multiport, ports } from './ports.ts';
import type { OptionWidths } from '../../values/option-widths.ts';
import { all, find, inverted, type MatchReader } from './written.ts';

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

const extensionHeader: MatchReader = (options, module) => ({ kind: 'extension-header', module, options });

const PORTS: OptionWidths = { '--sport': 1, '--source-port': 1, '--dport': 1, '--destination-port': 1 };

/** A match module: the options that it has, and what they mean. */
export interface MatchModule {
  readonly options: OptionWidths;
  /** Gives null where a value of an option is not known. */
  readonly read: MatchReader;
  /** It says something without any option. */
  readonly bare?: true;
}

/** The match modules that the model knows (iptables-extensions(8), MATCH EXTENSIONS). */
export const MATCH_MODULES: ReadonlyMap<string, MatchModule> = new Map<string, MatchModule>([
  ['tcp', { options: { ...PORTS, '--tcp-flags': 2, '--syn': 0, '--tcp-option': 1 }, read: ports, bare: true }],
  ['udp', { options: PORTS, read: ports, bare: true }],
  ['udplite', { options: PORTS, read: ports, bare: true }],
  ['sctp', { options: PORTS, read: ports, bare: true }],
  ['dccp', { options: PORTS, read: ports, bare: true }],
  ['icmp', { options: { '--icmp-type': 1 }, read: one((negate, value) => readIcmp(4, negate, value)) }],
  [
    'icmp6',
    { options: { '--icmpv6-type': 1, '--icmp6-type': 1 }, read: one((negate, value) => readIcmp(6, negate, value)) },
  ],
  [
    'multiport',
    {
      options: { '--sports': 1, '--source-ports': 1, '--dports': 1, '--destination-ports': 1, '--ports': 1 },
      read: multiport,
    },
  ],
  ['comment', { options: { '--comment': 1 }, read: one((_negate, text) => ({ kind: 'comment', text })) }],
  [
    'conntrack',
    {
      options: {
        '--ctstate': 1,
        '--ctstatus': 1,
        '--ctproto': 1,
        '--ctorigsrc': 1,
        '--ctorigdst': 1,
        '--ctreplsrc': 1,
        '--ctrepldst': 1,
        '--ctorigsrcport': 1,
        '--ctorigdstport': 1,
        '--ctreplsrcport': 1,
        '--ctrepldstport': 1,
        '--ctexpire': 1,
        '--ctdir': 1,
      },
      read: conntrack,
    },
  ],
  ['state', { options: { '--state': 1 }, read: state }],
  ['mark', { options: { '--mark': 1 }, read: mark }],
  ['connmark', { options: { '--mark': 1 }, read: mark }],
  [
    'addrtype',
    { options: { '--src-type': 1, '--dst-type': 1, '--limit-iface-in': 0, '--limit-iface-out': 0 }, read: addrtype },
  ],
  [
    'set',
    {
      options: {
        '--match-set': 2,
        '--set': 2,
        '--return-nomatch': 0,
        '--update-counters': 0,
        '--update-subcounters': 0,
        '--packets-eq': 1,
        '--packets-lt': 1,
        '--packets-gt': 1,
        '--bytes-eq': 1,
        '--bytes-lt': 1,
        '--bytes-gt': 1,
      },
      read: set,
    },
  ],
  ['statistic', { options: { '--mode': 1, '--probability': 1, '--every': 1, '--packet': 1 }, read: statistic }],
  [
    'recent',
    {
      options: {
        '--set': 0,
        '--rcheck': 0,
        '--update': 0,
        '--remove': 0,
        '--seconds': 1,
        '--hitcount': 1,
        '--name': 1,
        '--mask': 1,
        '--reap': 0,
        '--rttl': 0,
        '--rsource': 0,
        '--rdest': 0,
      },
      read: recent,
    },
  ],
  ['iprange', { options: { '--src-range': 1, '--dst-range': 1 }, read: iprange }],
  ['mac', { options: { '--mac-source': 1 }, read: mac }],
  [
    'physdev',
    {
      options: {
        '--physdev-in': 1,
        '--physdev-out': 1,
        '--physdev-is-in': 0,
        '--physdev-is-out': 0,
        '--physdev-is-bridged': 0,
      },
      read: physdev,
    },
  ],
  [
    'owner',
    { options: { '--uid-owner': 1, '--gid-owner': 1, '--socket-exists': 0, '--suppl-groups': 0 }, read: owner },
  ],
  ['limit', { options: { '--limit': 1, '--limit-burst': 1 }, read: rate, bare: true }],
  [
    'hashlimit',
    {
      options: {
        '--hashlimit': 1,
        '--hashlimit-upto': 1,
        '--hashlimit-above': 1,
        '--hashlimit-burst': 1,
        '--hashlimit-mode': 1,
        '--hashlimit-name': 1,
        '--hashlimit-srcmask': 1,
        '--hashlimit-dstmask': 1,
        '--hashlimit-htable-size': 1,
        '--hashlimit-htable-max': 1,
        '--hashlimit-htable-expire': 1,
        '--hashlimit-htable-gcinterval': 1,
        '--hashlimit-rate-match': 0,
        '--hashlimit-rate-interval': 1,
      },
      read: rate,
    },
  ],
  [
    'connlimit',
    {
      options: {
        '--connlimit-above': 1,
        '--connlimit-upto': 1,
        '--connlimit-mask': 1,
        '--connlimit-saddr': 0,
        '--connlimit-daddr': 0,
      },
      read: rate,
    },
  ],
  ['quota', { options: { '--quota': 1 }, read: rate }],
  [
    'time',
    {
      options: {
        '--timestart': 1,
        '--timestop': 1,
        '--datestart': 1,
        '--datestop': 1,
        '--monthdays': 1,
        '--weekdays': 1,
        '--contiguous': 0,
        '--kerneltz': 0,
        '--utc': 0,
        '--localtz': 0,
      },
      read: rate,
    },
  ],
  [
    'rpfilter',
    { options: { '--loose': 0, '--validmark': 0, '--accept-local': 0, '--invert': 0 }, read: rpfilter, bare: true },
  ],
  ['socket', { options: { '--transparent': 0, '--nowildcard': 0, '--restore-skmark': 0 }, read: socket, bare: true }],
  [
    'ipvs',
    {
      options: { '--ipvs': 0, '--vproto': 1, '--vaddr': 1, '--vport': 1, '--vdir': 1, '--vmethod': 1, '--vportctl': 1 },
      read: ipvs,
    },
  ],
  ['nfacct', { options: { '--nfacct-name': 1 }, read: one((_negate, name) => ({ kind: 'nfacct', name })) }],
  [
    'pkttype',
    {
      options: { '--pkt-type': 1 },
      read: one((negate, type) => ({ kind: 'pkttype', negate, type: type.toLowerCase() })),
    },
  ],
  ['ttl', { options: { '--ttl-eq': 1, '--ttl-lt': 1, '--ttl-gt': 1, '--ttl': 1 }, read: ttl }],
  ['hl', { options: { '--hl-eq': 1, '--hl-lt': 1, '--hl-gt': 1 }, read: ttl }],
  [
    'length',
    {
      options: { '--length': 1 },
      read: one((negate, value) => {
        const bytes = readRange(value);
        return bytes === null ? null : { kind: 'length', negate, bytes };
      }),
    },
  ],
  [
    'dscp',
    {
      options: { '--dscp': 1 },
      read: one((negate, value) => {
        const number = readNumber(value, 63);
        return number === null ? null : { kind: 'dscp', negate, value: number };
      }),
    },
  ],
  [
    'rt',
    {
      options: {
        '--rt-type': 1,
        '--rt-segsleft': 1,
        '--rt-len': 1,
        '--rt-0-res': 0,
        '--rt-0-addrs': 1,
        '--rt-0-not-strict': 0,
      },
      read: extensionHeader,
      bare: true,
    },
  ],
  [
    'frag',
    {
      options: { '--fragid': 1, '--fraglen': 1, '--fragres': 0, '--fragfirst': 0, '--fragmore': 0, '--fraglast': 0 },
      read: extensionHeader,
      bare: true,
    },
  ],
  ['hbh', { options: { '--hbh-len': 1, '--hbh-opts': 1 }, read: extensionHeader, bare: true }],
  ['dst', { options: { '--dst-len': 1, '--dst-opts': 1 }, read: extensionHeader, bare: true }],
  ['ah', { options: { '--ahspi': 1, '--ahlen': 1, '--ahres': 0 }, read: extensionHeader, bare: true }],
  ['esp', { options: { '--espspi': 1 }, read: extensionHeader, bare: true }],
]);
