import { isAbsent } from '../../src/ruleset/absent.ts';
import type { Host } from '../../src/ruleset/host.ts';
import type { OrderName } from '../../src/simulate/simulate.ts';
import { differences, heldBy, randomPacket, type Compared, type Flavour } from './kernel-difference.ts';
import { randomFrom } from './random.ts';
import { EMPTY_LEGACY, IPTABLES_NFT_TABLES, randomIptables } from './random-iptables.ts';
import { IPVS_LINES, randomIpvs } from './random-ipvs.ts';
import { randomNft } from './random-nft.ts';
import type { TraceLab } from './trace-lab.ts';

/** What a kind of ruleset has. */
const KINDS = {
  nft: { iptables: null, nft: true, ipvs: false },
  iptables: { iptables: 'nft', nft: false, ipvs: false },
  both: { iptables: 'nft', nft: true, ipvs: false },
  legacy: { iptables: 'legacy', nft: false, ipvs: false },
  'legacy and nft': { iptables: 'legacy', nft: true, ipvs: false },
  'ipvs and legacy': { iptables: 'legacy', nft: false, ipvs: true },
  'ipvs and iptables': { iptables: 'nft', nft: false, ipvs: true },
  'ipvs and nft': { iptables: null, nft: true, ipvs: true },
  'ipvs, legacy and nft': { iptables: 'legacy', nft: true, ipvs: true },
} as const satisfies Record<
  string,
  { readonly iptables: Flavour | null; readonly nft: boolean; readonly ipvs: boolean }
>;

/** A kind of ruleset. Those with IPVS need a kernel that has it. */
export type FuzzKind = keyof typeof KINDS;

/** Those for any kernel, and those for one with IPVS. */
export const PLAIN_KINDS: readonly FuzzKind[] = ['nft', 'iptables', 'both', 'legacy', 'legacy and nft'];
export const IPVS_KINDS: readonly FuzzKind[] = [
  'ipvs and legacy',
  'ipvs and iptables',
  'ipvs and nft',
  'ipvs, legacy and nft',
];

const NO_IPTABLES = { v4: '', v6: '', sets: '' };
const NO_NFT = { text: '', tables: [] } as const;
const NO_IPVS = { text: '', asked: [], settings: [] } as const;

/** What a ruleset leaves behind. */
export interface Left {
  /** Families and names of tables of nftables. */
  readonly tables: readonly (readonly [string, string])[];
  readonly iptables: Flavour | null;
  readonly ipvs: boolean;
}

/** What nft reads to have none of these tables, whether they are there or not. */
const without = (tables: readonly (readonly [string, string])[]): string =>
  tables.map(([family, name]) => `table ${family} ${name}\ndelete table ${family} ${name}\n`).join('');

/** Takes away what the last ruleset left. */
export const clear = async (lab: TraceLab, { tables, iptables, ipvs }: Left): Promise<void> => {
  const gone = [...tables, ...(iptables === 'nft' ? IPTABLES_NFT_TABLES : [])];
  if (gone.length > 0) await lab.run(['nft', '-f', '-'], without(gone));
  if (iptables === 'legacy') {
    await lab.run(['iptables-legacy-restore'], EMPTY_LEGACY);
    await lab.run(['ip6tables-legacy-restore'], EMPTY_LEGACY);
  }
  if (iptables !== null) {
    // A set in a list is in use until the list is empty.
    await lab.run(['ipset', 'flush']);
    await lab.run(['ipset', 'destroy']);
  }
  if (ipvs) await lab.run(['ipvsadm', '--clear']);
  await lab.run(['conntrack', '-F']);
};

const QUEUE = 'table inet queue { chain in { type filter hook input priority 0; queue num 3; }; }';

/** Whether nftables hands packets to programs here: a kernel may have been built without that. */
const handsToPrograms = async (lab: TraceLab): Promise<boolean> => load(lab, [[['nft', '--check', '-f', '-'], QUEUE]]);

/** What kinds of rulesets are made for. */
export interface Prepared {
  readonly kinds: readonly FuzzKind[];
  readonly queues: boolean;
}

/** Prepares a lab for kinds of rulesets. */
export const prepare = async (lab: TraceLab, kinds: readonly FuzzKind[]): Promise<Prepared> => {
  // It loads the tracker, which brings the setting along: nobody keeps to windows here.
  await lab.run(['conntrack', '-F']);
  await lab.run(['sysctl', '-qw', 'net.netfilter.nf_conntrack_tcp_be_liberal=1']);
  // Some rules count there.
  await lab.run(['nfacct', 'add', 'counted']);
  if (kinds.some((kind) => KINDS[kind].ipvs)) await prepareIpvs(lab);
  return { kinds, queues: await handsToPrograms(lab) };
};

const prepareIpvs = async (lab: TraceLab): Promise<void> => {
  await lab.run(['ip', '-batch', '-'], IPVS_LINES);
  // It loads the module, which brings the settings along.
  await lab.run(['ipvsadm', '--clear']);
  // As kube-proxy has it: no server that is gone keeps its connections (pkg/proxy/ipvs/proxier.go).
  await lab.run(['sysctl', '-qw', 'net.ipv4.vs.expire_nodest_conn=1']);
};

type Load = readonly (readonly [argv: readonly string[], stdin: string])[];

const load = async (lab: TraceLab, parts: Load): Promise<boolean> => {
  try {
    for (const [argv, text] of parts) if (text !== '') await lab.run(argv, text);
    return true;
  } catch {
    return false;
  }
};

const withSettings = (host: Host, settings: readonly string[]): Host => ({
  ...host,
  sysctls: isAbsent(host.sysctls)
    ? host.sysctls
    : new Map([...host.sysctls, ...settings.map((text) => text.split('=') as [string, string])]),
});

/** What a random ruleset came to; null: the kernel's tools do not take it. */
export interface Fuzzed {
  readonly compared: Compared | null;
  readonly left: Left;
}

/**
 * Makes a random ruleset of one of the kinds, sends packets through it, and compares their ways with their simulation.
 */
export const fuzzRuleset = async (
  lab: TraceLab,
  host: Host,
  seed: number,
  { kinds, queues }: Prepared,
  count: number,
  nextId: () => number,
): Promise<Fuzzed> => {
  const random = randomFrom(seed);
  const kind = KINDS[random.pick(kinds)];
  const flavour = kind.iptables;
  const copies = flavour !== 'legacy' && !kind.ipvs;
  const iptables = flavour === null ? NO_IPTABLES : randomIptables(random, { ipvs: kind.ipvs, copies });
  const { text, tables } = kind.nft ? randomNft(random, { queues, copies }) : NO_NFT;
  const ipvs = kind.ipvs ? randomIpvs(random) : NO_IPVS;
  const taken = await load(lab, [
    [['ipset', 'restore'], iptables.sets],
    [[`iptables-${flavour}-restore`], iptables.v4],
    [[`ip6tables-${flavour}-restore`], iptables.v6],
    [['nft', '-f', '-'], text],
    [['ipvsadm', '--restore'], ipvs.text],
  ]);
  const left: Left = { tables, iptables: flavour, ipvs: kind.ipvs };
  if (!taken) return { compared: null, left };
  if (ipvs.settings.length > 0) await lab.run(['sysctl', '-qw', ...ipvs.settings]);
  const ruleset = await heldBy(lab, withSettings(host, ipvs.settings), flavour, kind.ipvs);
  const packets = Array.from({ length: count }, () => randomPacket(random, nextId(), ipvs.asked));
  // What is registered last runs first. Tables of legacy iptables stay from the first ruleset on, those of iptables-nft
  // are made first.
  const native = tables.map(([family, table]): OrderName => ({ family, table, chain: null })).reverse();
  const own = ruleset.tables.filter(({ engine }) => engine !== 'nft');
  const order = [...native, ...own.map(({ family, name }): OrderName => ({ family, table: name, chain: null }))];
  return { compared: await differences(lab, ruleset, packets, order, nextId), left };
};
