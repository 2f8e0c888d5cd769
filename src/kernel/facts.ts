import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { runCommand } from './command.ts';
import {
  rawBaseChains,
  readChains,
  readDataplanePrograms,
  readFlowtables,
  readLinks,
  readNotrackChains,
  readTables,
  readVersion,
  type ListedChain,
} from './fact-readers.ts';
import { kubeProxyMode } from './kube-proxy-mode.ts';
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

/** What nft says about itself and the kernel. */
interface Nft {
  /** null: it is not installed. */
  readonly version: readonly number[] | null;
  /** Why the kernel does not answer it; null: it does. */
  readonly problem: string | null;
  /** `inet portcullis`. */
  readonly tables: readonly string[];
}

/** One question tells the version and the tables; only where the answer is none, nft is asked about itself alone. */
const askNft = async (): Promise<Nft> => {
  const result = await runCommand(['nft', '-j', 'list', 'tables'], { timeoutMs: 10_000 });
  const listed = result.kind === 'done' && result.status === 0 ? readTables(result.stdout) : null;
  if (listed !== null) return { ...listed, problem: null };
  const version = result.kind === 'missing' ? null : await output(['nft', '--version']);
  if (version === null) return { version: null, problem: null, tables: [] };
  const why = result.kind !== 'done' ? 'no answer' : (result.stderr.trim().split('\n')[0] ?? '') || 'nft gives no JSON';
  return { version: readVersion(version), problem: why, tables: [] };
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
const notrack = async (chains: readonly ListedChain[]): Promise<readonly string[]> => {
  const raw = rawBaseChains(chains).filter(({ table }) => table !== 'portcullis');
  const nft = await Promise.all(
    raw.map(async ({ family, table, name }) =>
      ((await output(['nft', 'list', 'chain', family, table, name])) ?? '').includes('notrack')
        ? [`${family} ${table} ${name}`]
        : [],
    ),
  );
  // Asking for a table that is not loaded would load it.
  const legacy = await Promise.all(
    legacyTables().map(async ([tool, tables]) =>
      tables.includes('raw') ? readNotrackChains((await output([tool, '-t', 'raw'])) ?? '', tool) : [],
    ),
  );
  return [...nft.flat(), ...legacy.flat()];
};

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

const IPTABLES_TABLE = /^ip6? (filter|nat|mangle|raw)$/;

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
  const chains = readChains(listed ?? '');
  const [untracked, kubeProxy] = await Promise.all([notrack(chains), kubeProxyMode(chains)]);
  return {
    mayAdministrate: mayAdministrate(),
    nftVersion: version,
    nfTablesProblem: problem,
    kernel: readVersion(release()).slice(0, 2),
    kubeProxy,
    bypasses: taken,
    flowtables: readFlowtables(flowtables ?? ''),
    localPorts: first === undefined || last === undefined || Number.isNaN(first + last) ? null : { first, last },
    notrack: untracked,
    conntrackTool: isInstalled('conntrack'),
    bothIptables: legacyTables().length > 0 && tables.some((table) => IPTABLES_TABLE.test(table)),
  };
};
