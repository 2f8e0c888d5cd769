import type {
  ConnectionState,
  ConntrackTest,
  Inverted,
  IptablesMatch,
  IpvsTest,
  WrittenOption,
} from '../ruleset/iptables-match.ts';
import { readAddressMask, readAddressRange, readMasked, readNumber, readProtocol, readRange } from './dump-values.ts';
import { readIcmp } from './icmp-types.ts';

type Options = readonly WrittenOption[];
type Reader = (options: Options, module: string) => IptablesMatch | null;

const find = (options: Options, name: string): WrittenOption | undefined =>
  options.find((option) => option.name === name);

/** The value of an option, `null` where it is not there, undefined where its value is not understood. */
const inverted = <T>(
  options: Options,
  name: string,
  read: (value: string) => T | null,
): Inverted<T> | null | undefined => {
  const option = find(options, name);
  if (option === undefined) return null;
  const value = read(option.values[0] ?? '');
  return value === null ? undefined : { negate: option.negate, value };
};

/** Well-known ports by the names that people write (/etc/services); iptables-save prints numbers. */
const SERVICES: Readonly<Record<string, number>> = {
  ssh: 22,
  smtp: 25,
  domain: 53,
  http: 80,
  pop3: 110,
  ntp: 123,
  imap2: 143,
  imap: 143,
  https: 443,
  imaps: 993,
  pop3s: 995,
};

const readPorts = (text: string) => {
  const known = SERVICES[text];
  return known === undefined ? readRange(text) : { first: known, last: known };
};

// include/uapi/linux/netfilter/xt_tcpudp.h has the byte of the header as it is: FIN is the lowest bit.
const TCP_FLAGS: Readonly<Record<string, number>> = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ALL: 63,
  NONE: 0,
};

const readFlags = (text: string): number | null => {
  let bits = 0;
  for (const name of text.split(',')) {
    const bit = TCP_FLAGS[name];
    if (bit === undefined) return null;
    bits |= bit;
  }
  return bits;
};

const ports: Reader = (options, module) => {
  const source = inverted(options, '--sport', readPorts);
  const destination = inverted(options, '--dport', readPorts);
  const option = inverted(options, '--tcp-option', (value) => readNumber(value, 255));
  const syn = find(options, '--syn');
  const written = find(options, '--tcp-flags');
  let flags: Inverted<{ readonly mask: number; readonly set: number }> | null = null;
  if (syn !== undefined) flags = { negate: syn.negate, value: { mask: 0x17, set: 2 } };
  else if (written !== undefined) {
    const [mask, set] = written.values.map(readFlags);
    if (mask == null || set == null) return null;
    flags = { negate: written.negate, value: { mask, set } };
  }
  if (source === undefined || destination === undefined || option === undefined) return null;
  return {
    kind: 'ports',
    module: module as 'tcp' | 'udp' | 'sctp' | 'udplite' | 'dccp',
    source,
    destination,
    flags,
    option,
  };
};

const multiport: Reader = (options) => {
  const [option, ...more] = options;
  if (option === undefined || more.length > 0) return null;
  const list = (option.values[0] ?? '').split(',').map(readPorts);
  if (!list.every((range) => range !== null)) return null;
  const side = option.name === '--sports' ? 'source' : option.name === '--dports' ? 'destination' : 'either';
  return { kind: 'multiport', side, negate: option.negate, ports: list };
};

const STATES: ReadonlySet<string> = new Set<ConnectionState>([
  'INVALID',
  'NEW',
  'ESTABLISHED',
  'RELATED',
  'UNTRACKED',
  'SNAT',
  'DNAT',
]);
const STATUSES: ReadonlySet<string> = new Set(['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED']);

const readStates = (text: string): readonly ConnectionState[] | null => {
  const list = text.split(',');
  return list.every((name) => STATES.has(name)) ? (list as ConnectionState[]) : null;
};

const TUPLE = {
  '--ctorigsrc': 'original-source',
  '--ctorigdst': 'original-destination',
  '--ctreplsrc': 'reply-source',
  '--ctrepldst': 'reply-destination',
} as const;

const readDirection = (text: string): 'ORIGINAL' | 'REPLY' | null =>
  text === 'ORIGINAL' || text === 'REPLY' ? text : null;

const conntrackTest = ({ name, negate, values: [value = ''] }: WrittenOption): ConntrackTest | null => {
  switch (name) {
    case '--ctstate': {
      const states = readStates(value);
      return states === null ? null : { kind: 'state', negate, states };
    }
    case '--ctstatus': {
      const statuses = value.split(',');
      return statuses.every((status) => STATUSES.has(status)) ? { kind: 'status', negate, statuses } : null;
    }
    case '--ctproto': {
      const protocol = readProtocol(value);
      return protocol === null ? null : { kind: 'protocol', negate, protocol };
    }
    case '--ctorigsrc':
    case '--ctorigdst':
    case '--ctreplsrc':
    case '--ctrepldst': {
      const address = readAddressMask(value);
      return address === null ? null : { kind: 'address', of: TUPLE[name], negate, address };
    }
    case '--ctorigsrcport':
    case '--ctorigdstport':
    case '--ctreplsrcport':
    case '--ctrepldstport': {
      const range = readRange(value);
      const of = TUPLE[name.slice(0, -4) as keyof typeof TUPLE];
      return range === null ? null : { kind: 'port', of, negate, ports: range };
    }
    case '--ctexpire': {
      const seconds = readRange(value, 0xffff_ffff);
      return seconds === null ? null : { kind: 'expire', negate, seconds };
    }
    case '--ctdir': {
      const direction = readDirection(value);
      return direction === null ? null : { kind: 'direction', negate, direction };
    }
    default:
      return null;
  }
};

const all = <T>(list: readonly (T | null)[]): readonly T[] | null =>
  list.every((item): item is T => item !== null) ? list : null;

const conntrack: Reader = (options) => {
  const tests = all(options.map(conntrackTest));
  return tests === null ? null : { kind: 'conntrack', tests };
};

const state: Reader = (options) => {
  const [option] = options;
  const states = option === undefined ? null : readStates(option.values[0] ?? '');
  return option === undefined || states === null ? null : { kind: 'state', negate: option.negate, states };
};

const mark: Reader = (options, module) => {
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

const addrtype: Reader = (options) => {
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

const set: Reader = (options) => {
  const [option, ...others] = options;
  if (option === undefined || (option.name !== '--match-set' && option.name !== '--set')) return null;
  const [name = '', flags = ''] = option.values;
  const directions = all(flags.split(',').map((flag) => (flag === 'src' || flag === 'dst' ? flag : null)));
  return directions === null ? null : { kind: 'set', negate: option.negate, set: name, directions, options: others };
};

const statistic: Reader = (options) => {
  const value = (name: string): string => find(options, name)?.values[0] ?? '';
  if (value('--mode') === 'random') {
    const probability = find(options, '--probability');
    if (probability === undefined || !/^[0-9]*\.?[0-9]+$/.test(value('--probability'))) return null;
    // libxt_statistic.c: lround(0x80000000 * probability); the kernel compares it with 31 random bits.
    const over = Math.round(0x8000_0000 * Number(value('--probability')));
    return over <= 0x8000_0000 ? { kind: 'statistic-random', negate: probability.negate, over } : null;
  }
  const every = readNumber(value('--every'));
  const packet = find(options, '--packet') === undefined ? 0 : readNumber(value('--packet'));
  if (value('--mode') !== 'nth' || every === null || packet === null || every < 1) return null;
  return { kind: 'statistic-nth', negate: find(options, '--every')?.negate ?? false, every, packet };
};

const recent: Reader = (options) => {
  const actions = options.filter(({ name }) => ['--set', '--rcheck', '--update', '--remove'].includes(name));
  const [action, ...more] = actions;
  if (action === undefined || more.length > 0) return null;
  const seconds = inverted(options, '--seconds', (value) => readNumber(value));
  const hitcount = inverted(options, '--hitcount', (value) => readNumber(value));
  if (seconds === undefined || hitcount === undefined) return null;
  return {
    kind: 'recent',
    negate: action.negate,
    action: action.name.slice(2) as 'set' | 'rcheck' | 'update' | 'remove',
    list: find(options, '--name')?.values[0] ?? 'DEFAULT',
    side: find(options, '--rdest') === undefined ? 'source' : 'destination',
    mask: find(options, '--mask')?.values[0] ?? null,
    seconds: seconds?.value ?? null,
    hitcount: hitcount?.value ?? null,
    reap: find(options, '--reap') !== undefined,
    rttl: find(options, '--rttl') !== undefined,
  };
};

const iprange: Reader = (options) => {
  const source = inverted(options, '--src-range', readAddressRange);
  const destination = inverted(options, '--dst-range', readAddressRange);
  return source === undefined || destination === undefined ? null : { kind: 'iprange', source, destination };
};

const mac: Reader = (options) => {
  const [option] = options;
  const text = (option?.values[0] ?? '').toUpperCase();
  if (option === undefined || !/^[0-9A-FX]{2}(?::[0-9A-FX]{2}){5}$/.test(text)) return null;
  const address = text.includes('X') ? null : BigInt(`0x${text.replaceAll(':', '')}`);
  return { kind: 'mac', negate: option.negate, address, text };
};

const physdev: Reader = (options) => ({
  kind: 'physdev',
  tests: options.map(({ name, negate, values: [value = ''] }) =>
    name === '--physdev-in' || name === '--physdev-out'
      ? { kind: name === '--physdev-in' ? 'in' : 'out', negate, name: value }
      : { kind: name.slice('--physdev-'.length) as 'is-in' | 'is-out' | 'is-bridged', negate },
  ),
});

const owner: Reader = (options) => {
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

const rate: Reader = (options, module) => ({
  kind: 'rate',
  module: module as 'limit' | 'hashlimit' | 'connlimit' | 'quota' | 'time',
  options,
});

const rpfilter: Reader = (options) => ({
  kind: 'rpfilter',
  loose: find(options, '--loose') !== undefined,
  validMark: find(options, '--validmark') !== undefined,
  acceptLocal: find(options, '--accept-local') !== undefined,
  invert: find(options, '--invert') !== undefined,
});

const socket: Reader = (options) => ({
  kind: 'socket',
  transparent: find(options, '--transparent') !== undefined,
  noWildcard: find(options, '--nowildcard') !== undefined,
  restoreMark: find(options, '--restore-skmark') !== undefined,
});

const ipvsTest = ({ name, negate, values: [value = ''] }: WrittenOption): IpvsTest | null => {
  switch (name) {
    case '--ipvs':
      return { kind: 'ipvs', negate };
    case '--vproto': {
      const protocol = readProtocol(value);
      return protocol === null ? null : { kind: 'protocol', negate, protocol };
    }
    case '--vaddr': {
      const address = readAddressMask(value);
      return address === null ? null : { kind: 'address', negate, address };
    }
    case '--vport':
    case '--vportctl': {
      const port = readNumber(value, 65_535);
      return port === null ? null : { kind: name === '--vport' ? 'port' : 'control-port', negate, port };
    }
    case '--vdir': {
      const direction = readDirection(value);
      return direction === null ? null : { kind: 'direction', negate, direction };
    }
    case '--vmethod':
      return { kind: 'method', negate, method: value };
    default:
      return null;
  }
};

const ipvs: Reader = (options) => {
  const tests = all(options.map(ipvsTest));
  return tests === null ? null : { kind: 'ipvs', tests };
};

const ttl: Reader = (options, module) => {
  const [option] = options;
  const value = option === undefined ? null : readNumber(option.values[0] ?? '', 255);
  if (option === undefined || value === null) return null;
  const op = option.name.endsWith('-lt') ? 'lt' : option.name.endsWith('-gt') ? 'gt' : 'eq';
  return { kind: 'ttl', module: module as 'ttl' | 'hl', negate: option.negate, op, value };
};

const one = (build: (negate: boolean, value: string) => IptablesMatch | null): Reader => {
  return (options) => {
    const [option] = options;
    return option === undefined ? null : build(option.negate, option.values[0] ?? '');
  };
};

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
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
  ...['rt', 'frag', 'hbh', 'dst', 'ah', 'esp'].map((module): [string, Reader] => [
    module,
    (options) => ({ kind: 'extension-header', module, options }),
  ]),
]);

/** A module with its options as a condition; null when the module or a value of an option is not known. */
export const readModule = (module: string, options: Options): IptablesMatch | null =>
  READERS.get(module)?.(options, module) ?? null;
