import { certain, fraction, plus } from '../lower/fraction.ts';
import type { Fraction } from '../lower/step.ts';
import type { Fate } from './way/make-outcome.ts';
import type { Assumption, Outcome } from './state/outcome.ts';
import { placeKey } from './state/place.ts';
import type { WayBranch, WayNode } from './trace-tree.ts';

interface Entry {
  readonly ending: Fate;
  readonly probability: Fraction;
  readonly shared: boolean;
}

/** What happens where some assumptions hold: the probabilities of all endings sum to 1. */
interface World {
  readonly assuming: readonly Assumption[];
  readonly entries: ReadonlyMap<string, Entry>;
}

/** More combinations of assumptions than this are not multiplied out. */
const MOST_WORLDS = 256;

export const endingKey = ({
  result,
  to,
  source,
  via,
  where,
  listener,
  reject,
  client,
  returnPath,
  decidedBy,
  why,
}: Fate): string =>
  [
    result,
    to === null ? '' : `${to.address}:${to.port}`,
    source,
    via === null ? '' : `${via.oif} ${via.nextHop}`,
    where,
    listener,
    reject,
    client,
    returnPath,
    placeKey(decidedBy),
    why,
  ].join('|');

export const assumptionKey = ({ at, what, holds }: Assumption): string => `${placeKey(at)} ${what} ${holds}`;

const times = (a: Fraction, b: Fraction): Fraction => fraction(a.over * b.over, a.of * b.of);

const add = (entries: Map<string, Entry>, key: string, entry: Entry): void => {
  const known = entries.get(key);
  entries.set(
    key,
    known === undefined
      ? entry
      : {
          ending: entry.ending,
          probability: plus(known.probability, entry.probability),
          shared: known.shared || entry.shared,
        },
  );
};

const sameWorlds = (a: readonly World[], b: readonly World[]): boolean =>
  a.length === b.length &&
  a.every((world, index) => {
    const other = b[index];
    return (
      other !== undefined &&
      other.entries.size === world.entries.size &&
      world.assuming.length === other.assuming.length &&
      world.assuming.every(
        (one, at) => other.assuming[at] !== undefined && assumptionKey(one) === assumptionKey(other.assuming[at]),
      ) &&
      [...world.entries].every(([key, { probability }]) => {
        const there = other.entries.get(key)?.probability;
        return there !== undefined && there.over === probability.over && there.of === probability.of;
      })
    );
  });

/** Assumptions of both, or null where they contradict each other. */
const together = (a: readonly Assumption[], b: readonly Assumption[]): readonly Assumption[] | null => {
  const all = [...a];
  for (const one of b) {
    const key = placeKey(one.at);
    const same = all.find((other) => other.what === one.what && placeKey(other.at) === key);
    if (same === undefined) all.push(one);
    else if (same.holds !== one.holds) return null;
  }
  return all;
};

const worldsOfChance = (branches: readonly WayBranch[], shared: boolean): readonly World[] => {
  const arms = branches.map(({ share, node }) => ({ share: share ?? certain, worlds: worldsOf(node) }));
  const product = arms.reduce((sum, { worlds }) => sum * worlds.length, 1);
  if (product > MOST_WORLDS) return arms.flatMap(({ worlds }) => worlds);
  let joint: readonly World[] = [{ assuming: [], entries: new Map() }];
  for (const { share, worlds } of arms)
    joint = joint.flatMap((so) =>
      worlds.flatMap((world): readonly World[] => {
        const assuming = together(so.assuming, world.assuming);
        if (assuming === null) return [];
        const entries = new Map(so.entries);
        for (const [key, entry] of world.entries)
          add(entries, key, { ...entry, probability: times(entry.probability, share), shared: entry.shared || shared });
        return [{ assuming, entries }];
      }),
    );
  return joint;
};

const worldsOf = (node: WayNode): readonly World[] => {
  const { next } = node;
  if (next.kind === 'end') {
    const { ending } = next.end;
    return [{ assuming: [], entries: new Map([[endingKey(ending), { ending, probability: certain, shared: false }]]) }];
  }
  switch (next.fork) {
    case 'random':
    case 'turn':
    case 'hash':
    case 'address':
      return worldsOfChance(next.branches, next.fork === 'turn' || next.fork === 'hash');
    case 'source': {
      // Several sources, each with its own certainty: they stand side by side.
      const entries = new Map<string, Entry>();
      for (const { node: child } of next.branches)
        for (const world of worldsOf(child)) for (const [key, entry] of world.entries) entries.set(key, entry);
      return [{ assuming: [], entries }];
    }
    case 'match':
    case 'affinity':
    case 'order': {
      const each = next.branches.map(({ assuming, node: child }) => ({ assuming, worlds: worldsOf(child) }));
      const [first, ...others] = each;
      // What makes no difference is not worth an assumption.
      if (first !== undefined && others.every(({ worlds }) => sameWorlds(first.worlds, worlds))) return first.worlds;
      return each.flatMap(({ assuming, worlds }) =>
        worlds.flatMap((world) => {
          const all = assuming === null ? world.assuming : together([assuming], world.assuming);
          return all === null ? [] : [{ ...world, assuming: all }];
        }),
      );
    }
  }
};

const compare = (a: Outcome, b: Outcome): number => {
  const [pa, pb] = [a.probability, b.probability];
  if (pa !== null && pb !== null) {
    const difference = pb.over * pa.of - pa.over * pb.of;
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  } else if (pa !== pb) return pa === null ? 1 : -1;
  const [ta, tb] = [a.to, b.to];
  if (ta === null || tb === null) return ta === tb ? 0 : ta === null ? 1 : -1;
  if (ta.address !== tb.address) return ta.address < tb.address ? -1 : 1;
  return (ta.port ?? 0) - (tb.port ?? 0);
};

const outcomeOf = (world: World, { ending, probability, shared }: Entry): Outcome => {
  const isUnknown = world.assuming.some(({ what }) => what === 'match') || ending.result === 'unknown';
  return {
    ...ending,
    probability: isUnknown ? null : probability,
    kind: isUnknown ? 'unknown' : probability.over === probability.of ? 'certain' : shared ? 'share' : 'random',
    assuming: world.assuming,
  };
};

/** The outcomes of a way: equal ends are one, their probabilities sum to 1 for each distinct `assuming`. */
export const outcomesOf = (root: WayNode): readonly Outcome[] =>
  worldsOf(root)
    .flatMap((world) => [...world.entries.values()].map((entry) => outcomeOf(world, entry)))
    .sort(compare);
