import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { runCommand } from './command.ts';
import {
  readDataplanePrograms,
  readFlowtables,
  readLinks,
  readNotrackChains,
  readRawBaseChains,
  readVersion,
} from './fact-readers.ts';
import type { Facts } from './preconditions.ts';

const CAP_NET_ADMIN = 12n;

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const output = async (argv: readonly [string, ...string[]]): Promise<string | null> => {
  const result = await runCommand(argv, { timeoutMs: 10_000 });
  return result.kind === 'done' && result.status === 0 ? result.stdout : null;
};

const mayAdministrate = (): boolean => {
  const [, hex] = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status')) ?? [];
  return hex !== undefined && ((BigInt(`0x${hex}`) >> CAP_NET_ADMIN) & 1n) === 1n;
};

const nfTablesProblem = async (): Promise<string | null> => {
  const result = await runCommand(['nft', 'list', 'tables']);
  if (result.kind === 'done')
    return result.status === 0 ? null : (result.stderr.trim().split('\n')[0] ?? 'unknown error');
  return result.kind === 'missing' ? null : 'no answer';
};

/** Interfaces on which the outside comes in: those of the default routes. */
const outerLinks = async (): Promise<readonly string[]> => {
  const routes = await Promise.all(['-4', '-6'].map((family) => output(['ip', family, 'route', 'show', 'default'])));
  return [
    ...new Set(routes.flatMap((text) => [...(text ?? '').matchAll(/ dev (\S+)/g)].flatMap(([, name]) => name ?? []))),
  ];
};

const bypasses = async (): Promise<readonly string[]> => {
  const outer = await outerLinks();
  const links = readLinks((await output(['ip', '-j', 'link', 'show'])) ?? '');
  const xdp = links
    .filter(({ name, xdp: attached }) => attached && outer.includes(name))
    .map(({ name }) => `the XDP program on ${name}`);
  const filters = await Promise.all(
    outer.map(async (link) =>
      readDataplanePrograms((await output(['tc', 'filter', 'show', 'dev', link, 'ingress'])) ?? '', link),
    ),
  );
  return [...xdp, ...filters.flat()];
};

/** Only chains in front of connection tracking can take packets from it; a whole ruleset could take seconds to list. */
const notrack = async (): Promise<readonly string[]> => {
  const chains = readRawBaseChains((await output(['nft', '-j', 'list', 'chains'])) ?? '').filter(
    ({ table }) => table !== 'portcullis',
  );
  const nft = await Promise.all(
    chains.map(async ({ family, table, name }) =>
      ((await output(['nft', 'list', 'chain', family, table, name])) ?? '').includes('notrack')
        ? [`${family} ${table} ${name}`]
        : [],
    ),
  );
  const legacy = await Promise.all(
    legacyTables().map(async ([tool]) => readNotrackChains((await output([tool, '-t', 'raw'])) ?? '', tool)),
  );
  return [...nft.flat(), ...legacy.flat()];
};

/** The legacy tables that are loaded (net/ipv4/netfilter/ip_tables.c): asking the tool would load them. */
const legacyTables = (): readonly (readonly [string, string])[] =>
  (
    [
      ['iptables-legacy-save', '/proc/net/ip_tables_names'],
      ['ip6tables-legacy-save', '/proc/net/ip6_tables_names'],
    ] as const
  ).filter(([, path]) => read(path).trim() !== '');

const bothIptables = async (): Promise<boolean> => {
  if (legacyTables().length === 0) return false;
  const tables = (await output(['nft', 'list', 'tables'])) ?? '';
  return /^table ip6? (filter|nat|mangle|raw)$/m.test(tables);
};

const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin')
    .split(':')
    .some((folder) => existsSync(`${folder}/${program}`));

/** Looks at the machine. Takes some 30 ms; changes nothing. */
export const collectFacts = async (): Promise<Facts> => {
  const version = await output(['nft', '--version']);
  const [first, last] = read('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number);
  const problem = version === null ? null : await nfTablesProblem();
  const usable = version !== null && problem === null;
  const [taken, tables, untracked, both] = await Promise.all([
    bypasses(),
    usable ? output(['nft', '-j', 'list', 'flowtables']) : null,
    usable ? notrack() : [],
    usable && bothIptables(),
  ]);
  return {
    mayAdministrate: mayAdministrate(),
    nftVersion: version === null ? null : readVersion(version),
    nfTablesProblem: problem,
    kernel: readVersion(release()).slice(0, 2),
    bypasses: taken,
    flowtables: readFlowtables(tables ?? ''),
    localPorts: first === undefined || last === undefined || Number.isNaN(first + last) ? null : { first, last },
    notrack: untracked,
    conntrackTool: isInstalled('conntrack'),
    bothIptables: both,
  };
};
