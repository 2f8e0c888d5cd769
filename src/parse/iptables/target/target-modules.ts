import type { OptionWidths } from '../../values/option-widths.ts';
import type { IptablesTarget } from '../../../ruleset/iptables/target.ts';
import type { RejectKind } from '../../../ruleset/values/verdict.ts';
import { readAddress, readMasked, readNumber, readRange } from '../../values/dump-values.ts';
import { connmark, mark } from './marks.ts';
import { netmap, rewriting, toPorts } from './nat.ts';
import { has, valueOf, type TargetReader } from './target-reader.ts';

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

const other: TargetReader = (options, module) => ({ kind: 'other', module, options });

const NOTHING: OptionWidths = {};

/** A target module: the options that it has, and what they mean. */
export interface TargetModule {
  readonly options: OptionWidths;
  /** Gives null where a value of an option is not understood. */
  readonly read: TargetReader;
}

/** The targets that the model knows (iptables-extensions(8), TARGET EXTENSIONS). */
export const TARGET_MODULES: ReadonlyMap<string, TargetModule> = new Map<string, TargetModule>([
  ['ACCEPT', { options: NOTHING, read: fixed({ kind: 'accept' }) }],
  ['DROP', { options: NOTHING, read: fixed({ kind: 'drop' }) }],
  ['RETURN', { options: NOTHING, read: fixed({ kind: 'return' }) }],
  ['QUEUE', { options: NOTHING, read: queue }],
  [
    'NFQUEUE',
    { options: { '--queue-num': 1, '--queue-balance': 1, '--queue-bypass': 0, '--queue-cpu-fanout': 0 }, read: queue },
  ],
  ['REJECT', { options: { '--reject-with': 1 }, read: reject }],
  [
    'DNAT',
    {
      options: { '--to-destination': 1, '--random': 0, '--random-fully': 0, '--persistent': 0 },
      read: rewriting('dnat', '--to-destination'),
    },
  ],
  [
    'SNAT',
    {
      options: { '--to-source': 1, '--random': 0, '--random-fully': 0, '--persistent': 0 },
      read: rewriting('snat', '--to-source'),
    },
  ],
  ['MASQUERADE', { options: { '--to-ports': 1, '--random': 0, '--random-fully': 0 }, read: toPorts('masquerade') }],
  ['REDIRECT', { options: { '--to-ports': 1, '--random': 0 }, read: toPorts('redirect') }],
  ['NETMAP', { options: { '--to': 1 }, read: netmap }],
  [
    'MARK',
    { options: { '--set-xmark': 1, '--set-mark': 1, '--and-mark': 1, '--or-mark': 1, '--xor-mark': 1 }, read: mark },
  ],
  [
    'CONNMARK',
    {
      options: {
        '--set-xmark': 1,
        '--set-mark': 1,
        '--and-mark': 1,
        '--or-mark': 1,
        '--xor-mark': 1,
        '--save-mark': 0,
        '--restore-mark': 0,
        '--nfmask': 1,
        '--ctmask': 1,
        '--mask': 1,
      },
      read: connmark,
    },
  ],
  [
    'CT',
    {
      options: {
        '--notrack': 0,
        '--helper': 1,
        '--ctevents': 1,
        '--expevents': 1,
        '--zone': 1,
        '--zone-orig': 1,
        '--zone-reply': 1,
        '--timeout': 1,
      },
      read: (options) => ({
        kind: 'ct',
        module: 'CT',
        notrack: has(options, '--notrack'),
        options: options.filter(({ name }) => name !== '--notrack'),
      }),
    },
  ],
  ['NOTRACK', { options: NOTHING, read: fixed({ kind: 'ct', module: 'NOTRACK', notrack: true, options: [] }) }],
  [
    'LOG',
    {
      options: {
        '--log-level': 1,
        '--log-prefix': 1,
        '--log-tcp-sequence': 0,
        '--log-tcp-options': 0,
        '--log-ip-options': 0,
        '--log-uid': 0,
        '--log-macdecode': 0,
      },
      read: log,
    },
  ],
  [
    'NFLOG',
    {
      options: {
        '--nflog-group': 1,
        '--nflog-prefix': 1,
        '--nflog-range': 1,
        '--nflog-size': 1,
        '--nflog-threshold': 1,
      },
      read: log,
    },
  ],
  [
    'ULOG',
    { options: { '--ulog-nlgroup': 1, '--ulog-prefix': 1, '--ulog-cprange': 1, '--ulog-qthreshold': 1 }, read: log },
  ],
  ['TPROXY', { options: { '--on-port': 1, '--on-ip': 1, '--tproxy-mark': 1 }, read: tproxy }],
  ['TEE', { options: { '--gateway': 1, '--oif': 1 }, read: (options) => ({ kind: 'tee', options }) }],
  ['TRACE', { options: NOTHING, read: fixed({ kind: 'trace' }) }],
  [
    'SET',
    {
      options: {
        '--add-set': 2,
        '--del-set': 2,
        '--map-set': 2,
        '--timeout': 1,
        '--exist': 0,
        '--map-mark': 0,
        '--map-prio': 0,
        '--map-queue': 0,
      },
      read: (options) => ({ kind: 'set', options }),
    },
  ],
  // What most of these change does not decide where a packet goes.
  ['TCPMSS', { options: { '--set-mss': 1, '--clamp-mss-to-pmtu': 0 }, read: other }],
  ['TCPOPTSTRIP', { options: { '--strip-options': 1 }, read: other }],
  ['CHECKSUM', { options: { '--checksum-fill': 0 }, read: other }],
  ['TOS', { options: { '--set-tos': 1, '--and-tos': 1, '--or-tos': 1, '--xor-tos': 1 }, read: other }],
  ['DSCP', { options: { '--set-dscp': 1, '--set-dscp-class': 1 }, read: other }],
  ['ECN', { options: { '--ecn-tcp-remove': 0 }, read: other }],
  ['TTL', { options: { '--ttl-set': 1, '--ttl-dec': 1, '--ttl-inc': 1 }, read: other }],
  ['HL', { options: { '--hl-set': 1, '--hl-dec': 1, '--hl-inc': 1 }, read: other }],
  ['CLASSIFY', { options: { '--set-class': 1 }, read: other }],
  ['AUDIT', { options: { '--type': 1 }, read: other }],
  ['SECMARK', { options: { '--selctx': 1 }, read: other }],
  ['CONNSECMARK', { options: { '--save': 0, '--restore': 0 }, read: other }],
  ['IDLETIMER', { options: { '--timeout': 1, '--label': 1, '--alarm': 0 }, read: other }],
  ['RATEEST', { options: { '--rateest-name': 1, '--rateest-interval': 1, '--rateest-ewmalog': 1 }, read: other }],
]);
