import { clear, fuzzRuleset, prepare, type FuzzKind, type Left } from './fuzz-ruleset.ts';
import { hostOf, type Disagreement } from './kernel-difference.ts';
import { traceLab } from './trace-lab.ts';

/** What a run found. */
export interface FuzzResult {
  readonly pairs: number;
  readonly rulesets: number;
  /** Rulesets that nft or iptables does not take: contradictions that the generator does not see. */
  readonly refused: number;
  readonly disagreements: readonly (Disagreement & { readonly seed: number })[];
}

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

/**
 * Loads random rulesets into a lab, sends packets through each, and compares every packet's way with its simulation.
 */
export const fuzzKernel = async (wish: FuzzWish): Promise<FuzzResult> => {
  const { name, kinds, firstSeed, pairs, packetsEach, progress, found: tell } = wish;
  const lab = await traceLab(name);
  try {
    const prepared = await prepare(lab, kinds);
    const host = await hostOf(lab);
    const disagreements: (Disagreement & { readonly seed: number })[] = [];
    let [done, rulesets, refused, id] = [0, 0, 0, 0];
    let before: Left = { tables: [], iptables: null, ipvs: false };
    const nextId = (): number => {
      id = (id % MOST_IDS) + 1;
      return id;
    };
    for (let seed = firstSeed; done < pairs; seed++) {
      await clear(lab, before);
      const { compared, left } = await fuzzRuleset(lab, host, seed, prepared, packetsEach, nextId);
      before = left;
      if (compared === null) refused++;
      else {
        rulesets++;
        done += compared.packets;
        for (const one of compared.found) {
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
