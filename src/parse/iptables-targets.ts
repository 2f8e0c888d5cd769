import type { WrittenOption } from '../ruleset/iptables-match.ts';
import type { IptablesTarget, NatRange } from '../ruleset/iptables-target.ts';
import type { RejectKind } from '../ruleset/verdict.ts';
import { readAddress, readAddressMask, readAddressRange, readMasked, readNumber, readRange } from './dump-values.ts';

type Options = readonly WrittenOption[];
type Reader = (options: Options, module: string) => IptablesTarget | null;

const has = (options: Options, name: string): boolean => options.some((option) => option.name === name);
const valueOf = (options: Options, name: string): string | null =>
  options.find((option) => option.name === name)?.values[0] ?? null;

/** The words of `--reject-with` (libipt_REJECT.c, libip6t_REJECT.c), with their short forms. */
const REJECTS: Readonly<Record<string, RejectKind>> = {
  'tcp-reset': 'tcp-reset',
  'tcp-rst': 'tcp-reset',
  'icmp-net-unreachable': 'net-unreachable',
  'net-unreach': 'net-unreachable',
  'icmp-host-unreachable': 'host-unreachable',
  'host-unreach': 'host-unreachable',
  'icmp-port-unreachable': 'port-unreachable',
  'icmp6-port-unreachable': 'port-unreachable',
  'port-unreach': 'port-unreachable',
  'icmp-proto-unreachable': 'protocol-unreachable',
  'proto-unreach': 'protocol-unreachable',
  'icmp-net-prohibited': 'net-prohibited',
  'net-prohib': 'net-prohibited',
  'icmp-host-prohibited': 'host-prohibited',
  'host-prohib': 'host-prohibited',
  'icmp-admin-prohibited': 'admin-prohibited',
  'icmp6-adm-prohibited': 'admin-prohibited',
  'admin-prohib': 'admin-prohibited',
  'adm-prohibited': 'admin-prohibited',
  'icmp6-no-route': 'no-route',
  'no-route': 'no-route',
  'icmp6-addr-unreachable': 'address-unreachable',
  'addr-unreach': 'address-unreachable',
  'icmp6-policy-fail': 'policy-fail',
  'policy-fail': 'policy-fail',
  'icmp6-reject-route': 'reject-route',
  'reject-route': 'reject-route',
  'icmp6-echo-reply': 'echo-reply',
  'echo-reply': 'echo-reply',
};

const reject: Reader = (options) => {
  const word = valueOf(options, '--reject-with');
  // Without the option: port unreachable, in both families.
  if (word === null) return { kind: 'reject', with: 'port-unreachable', word: '' };
  const kind = REJECTS[word];
  return kind === undefined ? null : { kind: 'reject', with: kind, word };
};

/** `10.0.0.1`, `10.0.0.1-10.0.0.9:80-90`, `[fd00::1]:80`, `:80`, `10.0.0.1:80-90/8000`; null when it is something else. */
export const readNatRange = (text: string): NatRange | null => {
  const quick = text.indexOf(':');
  if (quick > 0 && text.charCodeAt(0) !== 91 && text.indexOf(':', quick + 1) === -1 && !text.includes('/')) {
    const addresses = readAddressRange(text.slice(0, quick));
    const ports = readRange(text.slice(quick + 1), 65_535, '-');
    return addresses === null || ports === null ? null : { addresses, ports, basePort: null };
  }
  const bracket = /^\[([^\]]*)\](?:-\[([^\]]*)\])?(?::(.*))?$/.exec(text);
  let addressText: string;
  let portText: string | undefined;
  if (bracket !== null) {
    addressText = bracket[2] === undefined ? (bracket[1] ?? '') : `${bracket[1]}-${bracket[2]}`;
    portText = bracket[3];
  } else {
    // An IPv6 address without brackets has no port behind it.
    const colon = text.indexOf(':');
    const plain = colon === -1 || text.includes(':', colon + 1);
    addressText = plain ? text : text.slice(0, colon);
    portText = plain ? undefined : text.slice(colon + 1);
  }
  const addresses = addressText === '' ? null : readAddressRange(addressText);
  if (addressText !== '' && addresses === null) return null;
  if (portText === undefined) return { addresses, ports: null, basePort: null };
  const slash = portText.indexOf('/');
  const ports = readRange(slash === -1 ? portText : portText.slice(0, slash), 65_535, '-');
  const basePort = slash === -1 ? null : readNumber(portText.slice(slash + 1), 65_535);
  return ports === null || (slash !== -1 && basePort === null) ? null : { addresses, ports, basePort };
};

const nat = (
  options: Options,
  how: 'dnat' | 'snat' | 'masquerade' | 'redirect',
  to: NatRange | null,
): IptablesTarget => ({
  kind: 'nat',
  how,
  to,
  random: has(options, '--random'),
  fullyRandom: has(options, '--random-fully'),
  persistent: has(options, '--persistent'),
});

const rewriting =
  (how: 'dnat' | 'snat', option: string): Reader =>
  (options) => {
    // Kernels since 2.6.11 take one range only; old dumps can hold several.
    const written = options.filter(({ name }) => name === option);
    const to = written.length === 1 ? readNatRange(written[0]?.values[0] ?? '') : null;
    return to === null ? null : nat(options, how, to);
  };

const toPorts =
  (how: 'masquerade' | 'redirect'): Reader =>
  (options) => {
    const text = valueOf(options, '--to-ports');
    if (text === null) return nat(options, how, null);
    const to = readNatRange(`:${text}`);
    return to === null ? null : nat(options, how, to);
  };

const netmap: Reader = (options) => {
  const network = readAddressMask(valueOf(options, '--to') ?? '');
  if (network === null) return null;
  const { family, address, mask } = network;
  const hosts = ((1n << (family === 4 ? 32n : 128n)) - 1n) ^ mask;
  // Only a network whose host bits are the last ones can be told by its ends.
  if ((hosts & (hosts + 1n)) !== 0n) return null;
  return {
    kind: 'nat',
    how: 'netmap',
    to: { addresses: { family, first: address, last: address | hosts }, ports: null, basePort: null },
    random: false,
    fullyRandom: false,
    persistent: false,
  };
};

/** `--set-xmark` and its short forms, as value and mask: x = (x & ~mask) ^ value (libxt_MARK.c, libxt_CONNMARK.c). */
const readSetMark = (options: Options): { readonly value: number; readonly mask: number } | null | undefined => {
  const [option, ...more] = options.filter(({ name }) => name.endsWith('mark') && !/^--(?:save|restore)/.test(name));
  if (option === undefined) return undefined;
  const given = more.length > 0 ? null : readMasked(option.values[0] ?? '');
  if (given === null) return null;
  const { value, mask } = given;
  switch (option.name) {
    case '--set-xmark':
      return given;
    case '--set-mark':
      // The bits of the mask and those of the value are cleared, then the value is set.
      return { value, mask: (mask | value) >>> 0 };
    case '--and-mark':
      return { value: 0, mask: ~value >>> 0 };
    case '--or-mark':
      return { value, mask: value };
    case '--xor-mark':
      return { value, mask: 0 };
    default:
      return null;
  }
};

const mark: Reader = (options) => {
  const set = readSetMark(options);
  return set === null || set === undefined ? null : { kind: 'mark', ...set };
};

const connmark: Reader = (options) => {
  const save = has(options, '--save-mark');
  const restore = has(options, '--restore-mark');
  if (!save && !restore) {
    const set = readSetMark(options);
    return set === null || set === undefined ? null : { kind: 'connmark-set', ...set };
  }
  const read = (name: string): number | null => {
    const text = valueOf(options, name) ?? valueOf(options, '--mask');
    return text === null ? 0xffff_ffff : readNumber(text);
  };
  const nfMask = read('--nfmask');
  const ctMask = read('--ctmask');
  if (nfMask === null || ctMask === null) return null;
  return { kind: save ? 'connmark-save' : 'connmark-restore', nfMask, ctMask };
};

const queue: Reader = (options, module) => {
  const balance = valueOf(options, '--queue-balance');
  const number = valueOf(options, '--queue-num');
  const range = readRange(balance ?? number ?? '0', 65_535, balance === null ? '-' : ':');
  if (range === null) return null;
  return {
    kind: 'queue',
    ...range,
    bypass: has(options, '--queue-bypass'),
    fanout: has(options, '--queue-cpu-fanout'),
    module: module as 'QUEUE' | 'NFQUEUE',
  };
};

const tproxy: Reader = (options) => {
  const port = readNumber(valueOf(options, '--on-port') ?? '0', 65_535);
  const marked = readMasked(valueOf(options, '--tproxy-mark') ?? '0/0');
  const address = readAddress(valueOf(options, '--on-ip') ?? '0.0.0.0');
  if (port === null || marked === null || address === null) return null;
  return {
    kind: 'tproxy',
    address: address.value === 0n ? null : address,
    port,
    mark: marked.value,
    mask: marked.mask,
  };
};

const log: Reader = (options, module) => ({
  kind: 'log',
  module: module as 'LOG' | 'NFLOG' | 'ULOG',
  prefix: valueOf(options, '--log-prefix') ?? valueOf(options, '--nflog-prefix') ?? valueOf(options, '--ulog-prefix'),
  options: options.filter(({ name }) => !name.endsWith('-prefix')),
});

const fixed =
  (target: IptablesTarget): Reader =>
  () =>
    target;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['ACCEPT', fixed({ kind: 'accept' })],
  ['DROP', fixed({ kind: 'drop' })],
  ['RETURN', fixed({ kind: 'return' })],
  ['QUEUE', queue],
  ['NFQUEUE', queue],
  ['REJECT', reject],
  ['DNAT', rewriting('dnat', '--to-destination')],
  ['SNAT', rewriting('snat', '--to-source')],
  ['MASQUERADE', toPorts('masquerade')],
  ['REDIRECT', toPorts('redirect')],
  ['NETMAP', netmap],
  ['MARK', mark],
  ['CONNMARK', connmark],
  [
    'CT',
    (options) => ({
      kind: 'ct',
      module: 'CT',
      notrack: has(options, '--notrack'),
      options: options.filter(({ name }) => name !== '--notrack'),
    }),
  ],
  ['NOTRACK', fixed({ kind: 'ct', module: 'NOTRACK', notrack: true, options: [] })],
  ['LOG', log],
  ['NFLOG', log],
  ['ULOG', log],
  ['TPROXY', tproxy],
  ['TEE', (options) => ({ kind: 'tee', options })],
  ['TRACE', fixed({ kind: 'trace' })],
  ['SET', (options) => ({ kind: 'set', options })],
]);

/** A target with its options; null when a value of an option is not understood. Only for names in TARGET_OPTIONS. */
export const readTarget = (module: string, options: Options): IptablesTarget | null => {
  const reader = READERS.get(module);
  return reader === undefined ? { kind: 'other', module, options } : reader(options, module);
};
