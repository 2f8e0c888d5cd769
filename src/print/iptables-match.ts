import type { ConntrackTest, IptablesMatch, IpvsTest } from '../ruleset/iptables/match.ts';
import {
  hex,
  inverted,
  option,
  printAddressMask,
  printAddressRange,
  printRange,
  quoted,
  writtenOptions,
} from './iptables-words.ts';

type MatchOf<K extends IptablesMatch['kind']> = Extract<IptablesMatch, { kind: K }>;

/** Names of protocols that every iptables knows without a file; the others stay numbers. */
const PROTOCOL_NAME: ReadonlyMap<number, string> = new Map([
  [0, 'all'],
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [50, 'esp'],
  [51, 'ah'],
  [58, 'ipv6-icmp'],
  [132, 'sctp'],
  [136, 'udplite'],
]);

const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'] as const;

const flagsText = (bits: number): string => {
  const names = FLAG_NAMES.filter((_name, index) => (bits & (1 << index)) !== 0);
  return names.length === 0 ? 'NONE' : names.join(',');
};

const printPorts = ({ module, source, destination, flags, option: number }: MatchOf<'ports'>): readonly string[] => [
  `-m ${module}`,
  ...inverted('--sport', source, printRange),
  ...inverted('--dport', destination, printRange),
  ...(flags === null
    ? []
    : [option(flags.negate, '--tcp-flags', flagsText(flags.value.mask), flagsText(flags.value.set))]),
  ...inverted('--tcp-option', number, String),
];

const SIDE = { source: '--sports', destination: '--dports', either: '--ports' } as const;

const TUPLE_OPTION = {
  'original-source': '--ctorigsrc',
  'original-destination': '--ctorigdst',
  'reply-source': '--ctreplsrc',
  'reply-destination': '--ctrepldst',
} as const;

const conntrackOption = (one: ConntrackTest): string => {
  switch (one.kind) {
    case 'state':
      return option(one.negate, '--ctstate', one.states.join(','));
    case 'status':
      return option(one.negate, '--ctstatus', one.statuses.join(','));
    case 'protocol':
      return option(one.negate, '--ctproto', String(one.protocol));
    case 'address':
      return option(one.negate, TUPLE_OPTION[one.of], printAddressMask(one.address));
    case 'port':
      return option(one.negate, `${TUPLE_OPTION[one.of]}port`, printRange(one.ports));
    case 'expire':
      return option(one.negate, '--ctexpire', printRange(one.seconds));
    case 'direction':
      return option(one.negate, '--ctdir', one.direction);
  }
};

const ipvsOption = (one: IpvsTest): string => {
  switch (one.kind) {
    case 'ipvs':
      return option(one.negate, '--ipvs');
    case 'protocol':
      return option(one.negate, '--vproto', String(one.protocol));
    case 'address':
      return option(one.negate, '--vaddr', printAddressMask(one.address));
    case 'port':
      return option(one.negate, '--vport', String(one.port));
    case 'control-port':
      return option(one.negate, '--vportctl', String(one.port));
    case 'direction':
      return option(one.negate, '--vdir', one.direction);
    case 'method':
      return option(one.negate, '--vmethod', quoted(one.method));
  }
};

const printRecent = (match: MatchOf<'recent'>): readonly string[] => [
  '-m recent',
  option(match.negate, `--${match.action}`),
  ...(match.seconds === null ? [] : [`--seconds ${match.seconds}`]),
  ...(match.reap ? ['--reap'] : []),
  ...(match.hitcount === null ? [] : [`--hitcount ${match.hitcount}`]),
  ...(match.rttl ? ['--rttl'] : []),
  `--name ${quoted(match.list)}`,
  ...(match.mask === null ? [] : [`--mask ${match.mask}`]),
  match.side === 'source' ? '--rsource' : '--rdest',
];

const ownerOption = (one: MatchOf<'owner'>['tests'][number]): string => {
  switch (one.kind) {
    case 'user':
    case 'group':
      return option(
        one.negate,
        one.kind === 'user' ? '--uid-owner' : '--gid-owner',
        one.name ?? printRange(one.ids, '-'),
      );
    case 'socket-exists':
      return option(one.negate, '--socket-exists');
    case 'supplementary-groups':
      return '--suppl-groups';
  }
};

const physdevOption = (one: MatchOf<'physdev'>['tests'][number]): string =>
  one.kind === 'in' || one.kind === 'out'
    ? option(one.negate, `--physdev-${one.kind}`, quoted(one.name))
    : option(one.negate, `--physdev-${one.kind}`);

const flag = (set: boolean, name: string): readonly string[] => (set ? [name] : []);

const words = (match: IptablesMatch): readonly string[] => {
  switch (match.kind) {
    case 'address':
      return [option(match.negate, match.side === 'source' ? '-s' : '-d', printAddressMask(match.address))];
    case 'interface':
      return [option(match.negate, match.side === 'in' ? '-i' : '-o', quoted(match.name))];
    case 'protocol':
      return [option(match.negate, '-p', PROTOCOL_NAME.get(match.protocol) ?? String(match.protocol))];
    case 'fragment':
      return [option(match.negate, '-f')];
    case 'ports':
      return printPorts(match);
    case 'icmp': {
      const code = match.code === null ? '' : `/${match.code}`;
      const module = match.version === 4 ? 'icmp' : 'icmp6';
      const name = match.version === 4 ? '--icmp-type' : '--icmpv6-type';
      return [`-m ${module}`, option(match.negate, name, match.type === null ? 'any' : `${match.type}${code}`)];
    }
    case 'multiport':
      return [
        '-m multiport',
        option(match.negate, SIDE[match.side], match.ports.map((range) => printRange(range)).join(',')),
      ];
    case 'comment':
      return [`-m comment --comment ${quoted(match.text)}`];
    case 'conntrack':
      return ['-m conntrack', ...match.tests.map(conntrackOption)];
    case 'state':
      return ['-m state', option(match.negate, '--state', match.states.join(','))];
    case 'mark':
    case 'connmark': {
      const mask = match.mask === 0xffff_ffff ? '' : `/${hex(match.mask)}`;
      return [`-m ${match.kind}`, option(match.negate, '--mark', `${hex(match.value)}${mask}`)];
    }
    case 'addrtype':
      return [
        '-m addrtype',
        ...inverted('--src-type', match.source, (types) => types.join(',')),
        ...inverted('--dst-type', match.destination, (types) => types.join(',')),
        ...(match.limit === null ? [] : [`--limit-iface-${match.limit}`]),
      ];
    case 'set':
      return [
        '-m set',
        option(match.negate, '--match-set', quoted(match.set), match.directions.join(',')),
        ...writtenOptions(match.options),
      ];
    case 'statistic-random':
      return ['-m statistic --mode random', option(match.negate, '--probability', probability(match.over))];
    case 'statistic-nth':
      return [
        '-m statistic --mode nth',
        option(match.negate, '--every', String(match.every)),
        `--packet ${match.packet}`,
      ];
    case 'recent':
      return printRecent(match);
    case 'iprange':
      return [
        '-m iprange',
        ...inverted('--src-range', match.source, fullRange),
        ...inverted('--dst-range', match.destination, fullRange),
      ];
    case 'mac':
      return ['-m mac', option(match.negate, '--mac-source', match.text)];
    case 'physdev':
      return ['-m physdev', ...match.tests.map(physdevOption)];
    case 'owner':
      return ['-m owner', ...match.tests.map(ownerOption)];
    case 'rate':
      return [`-m ${match.module}`, ...writtenOptions(match.options)];
    case 'rpfilter':
      return [
        '-m rpfilter',
        ...flag(match.loose, '--loose'),
        ...flag(match.validMark, '--validmark'),
        ...flag(match.acceptLocal, '--accept-local'),
        ...flag(match.invert, '--invert'),
      ];
    case 'socket':
      return [
        '-m socket',
        ...flag(match.transparent, '--transparent'),
        ...flag(match.noWildcard, '--nowildcard'),
        ...flag(match.restoreMark, '--restore-skmark'),
      ];
    case 'ipvs':
      return ['-m ipvs', ...match.tests.map(ipvsOption)];
    case 'nfacct':
      return [`-m nfacct --nfacct-name ${quoted(match.name)}`];
    case 'pkttype':
      return ['-m pkttype', option(match.negate, '--pkt-type', quoted(match.type))];
    case 'ttl': {
      const name = `--${match.module}-${match.op}`;
      return [`-m ${match.module}`, option(match.negate, name, String(match.value))];
    }
    case 'length':
      return ['-m length', option(match.negate, '--length', printRange(match.bytes))];
    case 'dscp':
      return ['-m dscp', option(match.negate, '--dscp', hex(match.value))];
    case 'extension-header':
      return [`-m ${match.module}`, ...writtenOptions(match.options)];
    case 'unknown':
      return [match.text];
  }
};

/** As many decimals as iptables-save prints; they round back to the same 31 bits. */
const probability = (over: number): string => (over / 0x8000_0000).toFixed(11);

/** iprange wants both ends, even where they are the same. */
const fullRange = (range: Parameters<typeof printAddressRange>[0]): string => {
  const one = printAddressRange(range);
  return range.first === range.last ? `${one}-${one}` : one;
};

/** One condition as iptables-save writes it. */
export const printMatch = (match: IptablesMatch): string => words(match).join(' ');
