import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { outerInterfaces } from '../audit/reach/entries.ts';
import type { Facts } from '../change/plan/facts.ts';
import { TABLE } from '../compile/table/names.ts';
import { untrackingChains } from '../lower/untracking.ts';
import { parseIptables } from '../parse/iptables/iptables-save.ts';
import { parseNftJson } from '../parse/nft/nft-json.ts';
import { parseNftText } from '../parse/nft/nft-text.ts';
import type { IpFacts } from '../parse/node/ip-facts.ts';
import { parseIpJson } from '../parse/node/ip-json.ts';
import { absent, isAbsent } from '../ruleset/absent.ts';
import { emptyTable, type Chain, type Table } from '../ruleset/table.ts';
import { readTableFamily } from '../ruleset/values/table-family.ts';
import { runCommand, type CommandResult } from './command.ts';
import { readDataplanePrograms, readVersion } from './fact-readers.ts';
import { kubeProxyMode } from './kube-proxy-mode.ts';
import { comesToFlags } from './nft.ts';

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

/** What nft says about itself and the kernel. */
interface Nft {
  /** null: it is not installed. */
  readonly version: readonly number[] | null;
  /** Why the kernel does not answer it; null: it does. */
  readonly problem: string | null;
  readonly tables: readonly Table[];
}

/** The tables of what nft prints, or of nothing where it does not answer. */
const tablesIn = (json: string | null): readonly Table[] => {
  const tables = json === null ? null : parseNftJson(json);
  return tables?.ok === true ? tables.value : [];
};

/**
 * The tables of `nft list tables`, without -j: nft 1.0.6 prints the flags of a table as JSON from memory that is not
 * its own any more, and sometimes ends there or dies (see {@link comesToFlags}).
 */
const tablesInText = (text: string): readonly Table[] =>
  text.split('\n').flatMap((line) => {
    const [, family = '', name] = /^table (\S+) (\S+)$/.exec(line) ?? [];
    const known = readTableFamily(family);
    return known === null || name === undefined ? [] : [emptyTable(known, name)];
  });

/** The status that a shell gives a program which a signal has ended: 128 and its number, as runCommand does. */
const isCrash = (result: CommandResult): boolean => result.kind === 'done' && result.status > 128;

/** One question tells the version and the tables; only where the answer is none, nft is asked otherwise. */
const askNft = async (): Promise<Nft> => {
  const result = await runCommand(['nft', '-j', 'list', 'tables'], { timeoutMs: 10_000 });
  const answers = result.kind === 'done' && result.status === 0;
  if (answers && parseNftJson(result.stdout).ok)
    // The listing begins with nft's own version (libnftables-json(5), METAINFO).
    return { version: readVersion(result.stdout), problem: null, tables: tablesIn(result.stdout) };
  const version = result.kind === 'missing' ? null : await output(['nft', '--version']);
  if (version === null) return { version: null, problem: null, tables: [] };
  const hasFlags = answers && comesToFlags(result.stdout);
  const text = hasFlags || isCrash(result) ? await output(['nft', 'list', 'tables']) : null;
  if (text !== null) return { version: readVersion(version), problem: null, tables: tablesInText(text) };
  const why = result.kind !== 'done' ? 'no answer' : (result.stderr.trim().split('\n')[0] ?? '') || 'nft gives no JSON';
  return { version: readVersion(version), problem: why, tables: [] };
};

const askIp = async (...words: readonly string[]): Promise<IpFacts | null> => {
  const family = words[0] === '-6' ? 6 : 4;
  const text = await output(['ip', '-j', ...words]);
  const facts = text === null ? null : parseIpJson({ name: `ip ${words.join(' ')}`, text }, { family });
  return facts?.ok === true ? facts.value : null;
};

/**
 * The XDP and tc programs of others that take packets before netfilter, on the interfaces by which the outside comes
 * in.
 */
const bypasses = async (): Promise<readonly string[]> => {
  const [four, six, link] = await Promise.all([
    askIp('-4', 'route', 'show', 'default'),
    askIp('-6', 'route', 'show', 'default'),
    askIp('link', 'show'),
  ]);
  const links = link?.links ?? absent('ip link does not answer');
  const routes = [...(four?.routes ?? []), ...(six?.routes ?? [])];
  const host = { links, routes, addresses: absent('not asked for') };
  const outer = [...new Set(([4, 6] as const).flatMap((family) => outerInterfaces(host, family)))];
  const xdp = (isAbsent(links) ? [] : links)
    .filter(({ name, xdp: attached }) => attached && outer.includes(name))
    .map(({ name }) => `the XDP program on ${name}`);
  const filters = await Promise.all(
    outer.map(async (name) =>
      readDataplanePrograms((await output(['tc', 'filter', 'show', 'dev', name, 'ingress'])) ?? '', name),
    ),
  );
  return [...xdp, ...filters.flat()];
};

/** Connection tracking runs at -200 (NF_IP_PRI_CONNTRACK, include/uapi/linux/netfilter_ipv4.h). */
const CONNTRACK_PRIORITY = -200;

const runsBeforeTracking = ({ base }: Chain): boolean =>
  base !== null && (base.hook === 'prerouting' || base.hook === 'output') && base.priority < CONNTRACK_PRIORITY;

/** Only chains in front of connection tracking can take packets from it; a whole ruleset could take seconds to list. */
const notrack = async (tables: readonly Table[]): Promise<readonly string[]> => {
  const raw = tables
    .filter(({ family, name }) => family !== TABLE.family || name !== TABLE.name)
    .flatMap(({ family, name, chains }) =>
      [...chains.values()].filter(runsBeforeTracking).map((chain) => [family, name, chain.name] as const),
    );
  const nft = await Promise.all(
    raw.map(async (chain) => {
      // In text: nft's JSON does not say what a target of iptables does.
      const listed = parseNftText((await output(['nft', 'list', 'chain', ...chain])) ?? '');
      return listed.ok && listed.value.some((table) => untrackingChains(table).length > 0) ? [chain.join(' ')] : [];
    }),
  );
  // Asking for a table that is not loaded would load it.
  const legacy = await Promise.all(
    legacyTables()
      .filter(([, names]) => names.includes('raw'))
      .map(async ([tool]) => {
        const saved = parseIptables({ name: tool, text: (await output([tool, '-t', 'raw'])) ?? '' });
        const chains = saved.ok ? saved.value.tables.flatMap(untrackingChains) : [];
        return chains.map((chain) => `${tool.replace('-save', '')} raw ${chain}`);
      }),
  );
  return [...nft.flat(), ...legacy.flat()];
};

/** `inet filter ft (eth0, eth1)`; a flowtable without devices does nothing. */
const flowtablesIn = (tables: readonly Table[]): readonly string[] =>
  tables.flatMap(({ family, name: table, flowtables = [] }) =>
    flowtables
      .filter(({ devices }) => devices.length > 0)
      .map(({ name, devices }) => `${family} ${table} ${name} (${devices.join(', ')})`),
  );

/** The legacy tools whose tables are loaded (net/ipv4/netfilter/ip_tables.c), with these tables' names. */
const legacyTables = (): readonly (readonly [tool: string, tables: readonly string[]])[] =>
  (
    [
      ['iptables-legacy-save', '/proc/net/ip_tables_names'],
      ['ip6tables-legacy-save', '/proc/net/ip6_tables_names'],
    ] as const
  ).flatMap(([tool, path]) => {
    const tables = read(path).split('\n').filter(Boolean);
    return tables.length === 0 ? [] : [[tool, tables] as const];
  });

const isOfIptables = ({ family, name }: Table): boolean =>
  /^ip6?$/.test(family) && /^(?:filter|nat|mangle|raw)$/.test(name);

const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin')
    .split(':')
    .some((folder) => existsSync(`${folder}/${program}`));

/** Looks at the machine. Takes some 30 ms; changes nothing. */
export const collectFacts = async (): Promise<Facts> => {
  const [first, last] = read('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number);
  const { version, problem, tables } = await askNft();
  const asks = version !== null && problem === null && tables.length > 0;
  const [taken, flowtables, listed] = await Promise.all([
    bypasses(),
    asks ? output(['nft', '-j', 'list', 'flowtables']) : null,
    asks ? output(['nft', '-j', 'list', 'chains']) : null,
  ]);
  const chains = tablesIn(listed);
  const [untracked, kubeProxy] = await Promise.all([notrack(chains), kubeProxyMode(chains)]);
  return {
    mayAdministrate: mayAdministrate(),
    nftVersion: version,
    nfTablesProblem: problem,
    kernel: readVersion(release()).slice(0, 2),
    kubeProxy,
    bypasses: taken,
    flowtables: flowtablesIn(tablesIn(flowtables)),
    localPorts: first === undefined || last === undefined || Number.isNaN(first + last) ? null : { first, last },
    notrack: untracked,
    conntrackTool: isInstalled('conntrack'),
    bothIptables: legacyTables().length > 0 && tables.some(isOfIptables),
  };
};
