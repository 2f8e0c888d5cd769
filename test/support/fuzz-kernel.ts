import type { Host } from '../../src/ruleset/host.ts';
import type { OrderName } from '../../src/simulate/simulate.ts';
import { differences, heldBy, hostOf, randomPacket, type Disagreement } from './kernel-difference.ts';
import { randomFrom } from './random.ts';
import { randomNft } from './random-nft.ts';
import { traceLab, type TraceLab } from './trace-lab.ts';

/** What a run found. */
export interface FuzzResult {
  readonly pairs: number;
  readonly rulesets: number;
  /** Rulesets that nft does not take: contradictions that the generator does not see. */
  readonly refused: number;
  readonly disagreements: readonly (Disagreement & { readonly seed: number })[];
}

export interface FuzzWish {
  readonly name: string;
  readonly firstSeed: number;
  /** Pairs of a ruleset and a packet at least. */
  readonly pairs: number;
  readonly packetsEach: number;
  readonly progress?: (pairs: number, disagreements: number) => void;
}

/** IPv4 identifications below those of the sentinels. */
const MOST_IDS = 60_000;

const load = async (lab: TraceLab, text: string): Promise<boolean> => {
  try {
    await lab.run(['nft', '-f', '-'], text);
    return true;
  } catch {
    return false;
  }
};

const oneRuleset = async (
  lab: TraceLab,
  host: Host,
  seed: number,
  packetsEach: number,
  ids: () => number,
  gone: string,
): Promise<{ readonly found: readonly Disagreement[]; readonly gone: string } | null> => {
  const random = randomFrom(seed);
  const { text, tables } = randomNft(random);
  if (!(await load(lab, gone + text))) return null;
  await lab.run(['conntrack', '-F']);
  const ruleset = await heldBy(lab, host);
  const packets = Array.from({ length: packetsEach }, () => randomPacket(random, ids()));
  // What is registered last runs first.
  const order = tables.map(([family, table]): OrderName => ({ family, table, chain: null })).reverse();
  return {
    found: await differences(lab, ruleset, packets, order),
    gone: tables.map(([family, name]) => `delete table ${family} ${name}\n`).join(''),
  };
};

/** Loads random rulesets into a lab, sends packets through each, and compares every packet's way with its simulation. */
export const fuzzKernel = async ({ name, firstSeed, pairs, packetsEach, progress }: FuzzWish): Promise<FuzzResult> => {
  const lab = await traceLab(name);
  try {
    const host = await hostOf(lab);
    const disagreements: (Disagreement & { readonly seed: number })[] = [];
    let [done, rulesets, refused, id, gone] = [0, 0, 0, 0, ''];
    const ids = (): number => {
      id = (id % MOST_IDS) + 1;
      return id;
    };
    for (let seed = firstSeed; done < pairs; seed++) {
      const result = await oneRuleset(lab, host, seed, packetsEach, ids, gone);
      if (result === null) refused++;
      else {
        gone = result.gone;
        rulesets++;
        done += packetsEach;
        disagreements.push(...result.found.map((one) => ({ ...one, seed })));
      }
      progress?.(done, disagreements.length);
    }
    return { pairs: done, rulesets, refused, disagreements };
  } finally {
    await lab.close();
  }
};
