import type { Host } from '../../src/ruleset/host.ts';
import type { OrderName } from '../../src/simulate/simulate.ts';
import { differences, heldBy, hostOf, randomPacket, type Disagreement, type Flavour } from './kernel-difference.ts';
import { randomFrom } from './random.ts';
import { EMPTY_IPTABLES, randomIptables } from './random-iptables.ts';
import { randomNft } from './random-nft.ts';
import { traceLab, type TraceLab } from './trace-lab.ts';

/** What a run found. */
export interface FuzzResult {
  readonly pairs: number;
  readonly rulesets: number;
  /** Rulesets that nft or iptables does not take: contradictions that the generator does not see. */
  readonly refused: number;
  readonly disagreements: readonly (Disagreement & { readonly seed: number })[];
}

/** Which tables a kind of ruleset has. */
const KINDS = {
  nft: { iptables: null, nft: true },
  iptables: { iptables: 'nft', nft: false },
  both: { iptables: 'nft', nft: true },
  legacy: { iptables: 'legacy', nft: false },
  'legacy and nft': { iptables: 'legacy', nft: true },
} as const satisfies Record<string, { readonly iptables: Flavour | null; readonly nft: boolean }>;

/** A kind of ruleset. */
export type FuzzKind = keyof typeof KINDS;

export interface FuzzWish {
  readonly name: string;
  readonly kinds: readonly FuzzKind[];
  readonly firstSeed: number;
  /** Pairs of a ruleset and a packet at least. */
  readonly pairs: number;
  readonly packetsEach: number;
  readonly progress?: (pairs: number, disagreements: number) => void;
  readonly found?: (disagreement: Disagreement & { readonly seed: number }) => void;
}

/** IPv4 identifications below those of the sentinels. */
const MOST_IDS = 60_000;

const NO_IPTABLES = { v4: '', v6: '', sets: '' };
const NO_NFT = { text: '', tables: [] } as const;

/** Takes away what the last ruleset left. */
const clear = async (lab: TraceLab, { gone, iptables }: Pick<One, 'gone' | 'iptables'>): Promise<void> => {
  if (gone !== '') await lab.run(['nft', '-f', '-'], gone);
  if (iptables !== null) {
    await lab.run([`iptables-${iptables}-restore`], EMPTY_IPTABLES);
    await lab.run([`ip6tables-${iptables}-restore`], EMPTY_IPTABLES);
    await lab.run(['ipset', 'destroy']);
  }
  await lab.run(['conntrack', '-F']);
};

type Load = readonly (readonly [readonly string[], string])[];

const load = async (lab: TraceLab, parts: Load): Promise<boolean> => {
  try {
    for (const [argv, text] of parts) if (text !== '') await lab.run(argv, text);
    return true;
  } catch {
    return false;
  }
};

interface One {
  readonly found: readonly Disagreement[];
  readonly taken: boolean;
  /** What takes its tables of nftables away again, and whose tables of iptables there are. */
  readonly gone: string;
  readonly iptables: Flavour | null;
}

/** Tables of nftables, of iptables, or of both. */
const oneRuleset = async (
  lab: TraceLab,
  host: Host,
  seed: number,
  { packetsEach, kinds }: FuzzWish,
  ids: () => number,
): Promise<One> => {
  const random = randomFrom(seed);
  const kind = KINDS[random.pick(kinds)];
  const flavour = kind.iptables;
  const iptables = flavour === null ? NO_IPTABLES : randomIptables(random);
  const { text, tables } = kind.nft ? randomNft(random) : NO_NFT;
  const gone = tables.map(([family, name]) => `table ${family} ${name}\ndelete table ${family} ${name}\n`).join('');
  const taken = await load(lab, [
    [['ipset', 'restore'], iptables.sets],
    [[`iptables-${flavour}-restore`], iptables.v4],
    [[`ip6tables-${flavour}-restore`], iptables.v6],
    [['nft', '-f', '-'], text],
  ]);
  const left = { taken, gone, iptables: flavour };
  if (!taken) return { found: [], ...left };
  const ruleset = await heldBy(lab, host, flavour);
  const packets = Array.from({ length: packetsEach }, () => randomPacket(random, ids()));
  // What is registered last runs first; the chains of iptables stay from the first ruleset on.
  const native = tables.map(([family, table]): OrderName => ({ family, table, chain: null })).reverse();
  const own = ruleset.tables.filter(({ engine }) => engine !== 'nft');
  const order = [...native, ...own.map(({ family, name }): OrderName => ({ family, table: name, chain: null }))];
  return { found: await differences(lab, ruleset, packets, order), ...left };
};

/** Loads random rulesets into a lab, sends packets through each, and compares every packet's way with its simulation. */
export const fuzzKernel = async (wish: FuzzWish): Promise<FuzzResult> => {
  const { name, firstSeed, pairs, packetsEach, progress, found: tell } = wish;
  const lab = await traceLab(name);
  try {
    const host = await hostOf(lab);
    const disagreements: (Disagreement & { readonly seed: number })[] = [];
    let [done, rulesets, refused, id] = [0, 0, 0, 0];
    let before: Pick<One, 'gone' | 'iptables'> = { gone: '', iptables: null };
    const ids = (): number => {
      id = (id % MOST_IDS) + 1;
      return id;
    };
    for (let seed = firstSeed; done < pairs; seed++) {
      await clear(lab, before);
      const one = await oneRuleset(lab, host, seed, wish, ids);
      const { found, taken } = one;
      before = one;
      if (!taken) refused++;
      else {
        rulesets++;
        done += packetsEach;
        for (const one of found) {
          disagreements.push({ ...one, seed });
          tell?.({ ...one, seed });
        }
      }
      progress?.(done, disagreements.length);
    }
    return { pairs: done, rulesets, refused, disagreements };
  } finally {
    await lab.close();
  }
};
