import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { API_VERSION, type Dump, type Snapshot } from '../parse/snapshot.ts';
import { failureOf, runCommand } from './command.ts';
import { comesToFlags } from './nft.ts';

type Argv = readonly [string, ...string[]];

interface Wanted {
  readonly name: string;
  readonly argv: Argv;
  /** Asking would load a kernel module that is not there yet; then this is the true answer. */
  readonly unless?: () => string | null;
  /** Keys and the like never leave the node. */
  readonly clean?: (text: string) => string;
  /** What to ask for where this is the answer; null: it will do. */
  readonly rather?: (text: string) => Argv | null;
}

const rulesetInWords = (json: string): Argv | null => (comesToFlags(json) ? ['nft', '-a', 'list', 'ruleset'] : null);

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** Asking the legacy tools would load their modules. */
const notLoaded = (path: string) => (): string | null => (read(path).trim() === '' ? '' : null);

const ipvsEmpty = (): string | null => (existsSync('/proc/net/ip_vs') ? null : '');

/** net.ipv4.tcp_fastopen_key and net.ipv6.conf.*.stable_secret are secrets. */
const withoutSecrets = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !/^\S*(?:secret|_key)\S*\s*=/.test(line))
    .join('\n');

const WANTED: readonly Wanted[] = [
  { name: 'iptables-nft-save', argv: ['iptables-nft-save', '-c'] },
  { name: 'ip6tables-nft-save', argv: ['ip6tables-nft-save', '-c'] },
  {
    name: 'iptables-legacy-save',
    argv: ['iptables-legacy-save', '-c'],
    unless: notLoaded('/proc/net/ip_tables_names'),
  },
  {
    name: 'ip6tables-legacy-save',
    argv: ['ip6tables-legacy-save', '-c'],
    unless: notLoaded('/proc/net/ip6_tables_names'),
  },
  { name: 'nft-list-ruleset', argv: ['nft', '-j', 'list', 'ruleset'], rather: rulesetInWords },
  { name: 'nft-list-hooks', argv: ['nft', 'list', 'hooks'] },
  { name: 'ipset-save', argv: ['ipset', 'save'] },
  { name: 'ipvsadm-Sn', argv: ['ipvsadm', '-S', '-n'], unless: ipvsEmpty },
  { name: 'ip-addr', argv: ['ip', '-j', '-d', 'addr', 'show'] },
  { name: 'ip-link', argv: ['ip', '-j', '-d', 'link', 'show'] },
  { name: 'ip-route', argv: ['ip', '-j', '-4', 'route', 'show', 'table', 'all'] },
  { name: 'ip-6-route', argv: ['ip', '-j', '-6', 'route', 'show', 'table', 'all'] },
  { name: 'ip-rule', argv: ['ip', '-j', '-4', 'rule', 'show'] },
  { name: 'ip-6-rule', argv: ['ip', '-j', '-6', 'rule', 'show'] },
  { name: 'sysctl', argv: ['sysctl', '-a', '-e', '-r', '^net\\.'], clean: withoutSecrets },
  { name: 'ss-listening', argv: ['ss', '-lntup'] },
  { name: 'conntrack', argv: ['conntrack', '-L', '-o', 'extended'] },
  { name: 'conntrack-6', argv: ['conntrack', '-L', '-f', 'ipv6', '-o', 'extended'] },
];

const TOOLS: readonly Argv[] = [
  ['nft', '--version'],
  ['iptables', '--version'],
  ['ipset', '--version'],
  ['ip', '-V'],
  ['ipvsadm', '--version'],
];

const take = async (wanted: Wanted): Promise<Dump> => {
  const { name, argv, unless, clean, rather } = wanted;
  const begin = new Date().toISOString();
  const known = unless?.() ?? null;
  if (known !== null) return { name, command: argv, begin, end: begin, text: known };
  const result = await runCommand(argv, { timeoutMs: 120_000 });
  const end = new Date().toISOString();
  const other = result.kind === 'done' ? (rather?.(result.stdout) ?? null) : null;
  if (other !== null) return take({ name, argv: other });
  if (result.kind !== 'done' || result.status !== 0)
    return { name, command: argv, begin, end, text: null, absent: failureOf(result) };
  return { name, command: argv, begin, end, text: clean === undefined ? result.stdout : clean(result.stdout) };
};

/** Rules as they mean, without counters and times: equal before and after when nobody changed them meanwhile. */
const fingerprint = async (): Promise<string> => {
  const texts = await Promise.all(
    (
      [
        ['nft', '-j', 'list', 'chains'],
        ['iptables-nft-save', '-t', 'nat'],
        ...(read('/proc/net/ip_tables_names').includes('nat') ? [['iptables-legacy-save', '-t', 'nat'] as const] : []),
      ] as readonly Argv[]
    ).map(async (argv) => {
      const result = await runCommand(argv, { timeoutMs: 120_000 });
      return result.kind === 'done' ? result.stdout.replace(/^#.*$|\[\d+:\d+\]/gm, '') : '';
    }),
  );
  return createHash('sha256').update(texts.join('\0')).digest('hex');
};

const toolVersions = async (): Promise<Readonly<Record<string, string>>> => {
  const found = await Promise.all(
    TOOLS.map(async (argv) => {
      const result = await runCommand(argv, { timeoutMs: 10_000 });
      const line = result.kind === 'done' ? (result.stdout.split('\n')[0] ?? '') : '';
      return [argv[0], line] as const;
    }),
  );
  return Object.fromEntries(found.filter(([, version]) => version !== ''));
};

/**
 * Collects everything that decides about packets on this node; changes nothing, and loads no kernel module that was not
 * needed before.
 */
export const takeSnapshot = async (): Promise<Snapshot> => {
  const taken = new Date().toISOString();
  const before = await fingerprint();
  const [dumps, tools] = await Promise.all([Promise.all(WANTED.map(take)), toolVersions()]);
  const changed = (await fingerprint()) !== before;
  return {
    apiVersion: API_VERSION,
    kind: 'Snapshot',
    version: 1,
    node: hostname(),
    kernel: release(),
    taken,
    tools,
    dumps,
    warnings: [
      ...(changed ? ['chains changed while the snapshot was taken: its dumps may not fit together'] : []),
      ...dumps.flatMap(({ name, absent }) => (absent === undefined ? [] : [`${name} is absent: ${absent}`])),
    ],
  };
};
