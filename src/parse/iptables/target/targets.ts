import type { IptablesTarget } from '../../../ruleset/iptables/target.ts';
import type { RejectKind } from '../../../ruleset/values/verdict.ts';
import { readAddress, readMasked, readNumber, readRange } from '../../values/dump-values.ts';
import { connmark, mark } from './marks.ts';
import { netmap, rewriting, toPorts } from './nat.ts';
import { has, valueOf, type Options, type TargetReader } from './target-reader.ts';

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

const reject: TargetReader = (options) => {
  const word = valueOf(options, '--reject-with');
  // Without the option: port unreachable, in both families.
  if (word === null) return { kind: 'reject', with: 'port-unreachable', word: '' };
  const kind = REJECTS[word];
  return kind === undefined ? null : { kind: 'reject', with: kind, word };
};

const queue: TargetReader = (options, module) => {
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

const tproxy: TargetReader = (options) => {
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

const log: TargetReader = (options, module) => ({
  kind: 'log',
  module: module as 'LOG' | 'NFLOG' | 'ULOG',
  prefix: valueOf(options, '--log-prefix') ?? valueOf(options, '--nflog-prefix') ?? valueOf(options, '--ulog-prefix'),
  options: options.filter(({ name }) => !name.endsWith('-prefix')),
});

const fixed =
  (target: IptablesTarget): TargetReader =>
  () =>
    target;

const READERS: ReadonlyMap<string, TargetReader> = new Map<string, TargetReader>([
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
