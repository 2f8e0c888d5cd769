import { ofFamily, type AddressSet } from '../../net/address-set.ts';
import { FAMILIES, WIDTH, type Family } from '../../net/family.ts';
import { maskOf, rangeOf } from '../../net/prefix.ts';
import { equals, EVERY_ADDRESS, prefixes, setOfRanges, type PrefixSet } from '../../net/prefix-set.ts';
import { memoUnion } from '../../net/remembered.ts';
import { sameRules } from '../../print/same-rules.ts';
import {
  ipv4Destination,
  ipv4Source,
  ipv6Destination,
  ipv6Source,
  type Expression,
} from '../../ruleset/nft/expression.ts';
import { inSet, match, values, verdict, type Statement } from '../../ruleset/nft/statement.ts';
import type { AddressSetObject, Chain, KnownSet, Rule, Table } from '../../ruleset/table.ts';
import { single } from '../../ruleset/values/data-type.ts';
import { jump, type Verdict } from '../../ruleset/values/verdict.ts';
import { blocksOfBases, setsOfBlocks } from './block-sets.ts';
import { addressesOfLayers, changeLayers, type Layer, type WeighedLayer } from './layers.ts';
import { numbered } from './names.ts';
import { hasAtMost, looksFor } from './prefix-looks.ts';

/** A chain that tells by sets of addresses what happens to a packet. */
export interface AddressChain {
  readonly name: string;
  /** What happens to an address that belongs to the sets. */
  readonly then: Verdict;
  /** Verdict for an address that a subtracting layer excludes. */
  readonly otherwise: Verdict;
  /** What follows the look-ups. */
  readonly after: readonly Rule[];
}

/** One rule's question about an address. */
type Look =
  /** Does its prefix of that length stand in a set? */
  | { readonly kind: 'set'; readonly set: AddressSetObject; readonly length: number }
  | { readonly kind: 'range'; readonly first: bigint; readonly last: bigint }
  /** Every address of the family. */
  | { readonly kind: 'all' };

/** A layer in the kernel. */
export interface StoredLayer extends WeighedLayer {
  /** What stands in the names of its sets, so that it is told from the layer below; empty where it has none. */
  readonly letter: string;
  readonly looks: readonly Look[];
}

/** The layers of each family, in the order in which they are asked. */
export type Lookups = Readonly<Record<Family, readonly StoredLayer[]>>;

type End = 'source' | 'destination';
const ADDRESS: Readonly<Record<End, Readonly<Record<Family, Expression>>>> = {
  source: { 4: ipv4Source, 6: ipv6Source },
  destination: { 4: ipv4Destination, 6: ipv6Destination },
};

const NFPROTO: Expression = { kind: 'meta', key: 'nfproto' };
/** NFPROTO_IPV4, NFPROTO_IPV6 (include/uapi/linux/netfilter.h). */
const NFPROTO_NUMBER = { 4: 2, 6: 10 } as const;

const masked = (address: Expression, family: Family, length: number): Expression =>
  length === WIDTH[family]
    ? address
    : {
        kind: 'bitwise',
        op: '&',
        left: address,
        right: { kind: 'constant', value: single(maskOf(family, length)) },
      };

const question = (look: Look, family: Family, end: End): Statement => {
  const address = ADDRESS[end][family];
  switch (look.kind) {
    case 'set':
      return match(masked(address, family, look.length), inSet(look.set.name));
    case 'range':
      return match(address, values({ kind: 'range', first: look.first, last: look.last }));
    case 'all':
      return match(NFPROTO, values(single(NFPROTO_NUMBER[family])));
  }
};

/**
 * The chain with its look-ups: of a packet's source, or of a reply's destination. `before`: the chains that it asks
 * first.
 */
export const chainWith = (
  { name, then, otherwise, after }: AddressChain,
  lookups: Lookups,
  before: readonly string[] = [],
  end: End = 'source',
): Chain => ({
  name,
  base: null,
  rules: [
    ...before.map((chain) => ({ statements: [verdict(jump(chain))] })),
    ...FAMILIES.flatMap((family) =>
      lookups[family].flatMap(({ admits, looks }) =>
        looks.map((look) => ({ statements: [question(look, family, end), verdict(admits ? then : otherwise)] })),
      ),
    ),
    ...after,
  ],
});

/** The chains that a listed chain asks first. */
export const askedBefore = (chain: Chain | undefined): readonly string[] =>
  (chain?.rules ?? []).flatMap(({ statements: [first] }) =>
    first?.kind === 'verdict' && first.verdict.kind === 'jump' ? [first.verdict.chain] : [],
  );

/** `s-web-4a24`, `s-web-4a24.2`: chain, family, the layer's letter, prefix length. */
const SET_NAME = /-([46])([a-z])(\d+)(?:\.\d+)?$/;

/** The look of a rule of ours, with the letter of its layer; null: it is none of this family. */
const lookOf = (current: Table, { statements: [first] }: Rule, family: Family): [Look, string] | null => {
  if (first?.kind !== 'match' || first.negate) return null;
  const { right } = first;
  if (right.kind === 'set') {
    const [, named, letter = '', length] = SET_NAME.exec(right.name) ?? [];
    const set = current.sets.get(right.name);
    const isOurs =
      named === String(family) &&
      set?.kind === 'addresses' &&
      !set.interval &&
      set.type === `ipv${family}_addr` &&
      Number(length) <= WIDTH[family];
    return isOurs ? [{ kind: 'set', set, length: Number(length) }, letter] : null;
  }
  if (right.kind !== 'values') return null;
  const [value] = right.values;
  const [left] = first.left;
  if (value?.kind !== 'range') return null;
  if (left?.kind === 'meta' && left.key === 'nfproto')
    return value.first === BigInt(NFPROTO_NUMBER[family]) ? [{ kind: 'all' }, ''] : null;
  const isAddress = left?.kind === 'payload' && left.protocol === (family === 4 ? 'ip' : 'ip6');
  return isAddress ? [{ kind: 'range', first: value.first, last: value.last }, ''] : null;
};

const heldBy = (look: Look, family: Family): PrefixSet => {
  switch (look.kind) {
    case 'set':
      return blocksOfBases(look.set, family, look.length);
    case 'range':
      return setOfRanges(family, [look]);
    case 'all':
      return EVERY_ADDRESS[family];
  }
};

const weightOf = (look: Look): number => (look.kind === 'set' ? look.set.intervals.length : 1);

/**
 * The layers that a listed chain looks into; null where there is no such chain, or where it has been changed by hand.
 */
export const storedLayers = (current: Table | null, chain: AddressChain): Lookups | null => {
  const there = current?.chains.get(chain.name);
  if (current === null || there === undefined) return null;
  const layersOf = (family: Family): readonly StoredLayer[] => {
    const layers: StoredLayer[] = [];
    for (const rule of there.rules) {
      const read = lookOf(current, rule, family);
      if (read === null) continue;
      const [look, letter] = read;
      const admits = sameRules([rule], [{ statements: [question(look, family, 'source'), verdict(chain.then)] }]);
      const last = layers.at(-1);
      const [holds, weight] = [heldBy(look, family), weightOf(look)];
      if (last?.admits === admits && last.letter === letter && last.looks[0]?.kind === look.kind)
        layers[layers.length - 1] = {
          ...last,
          looks: [...last.looks, look],
          holds: memoUnion(last.holds, holds),
          weight: last.weight + weight,
        };
      else layers.push({ admits, letter, looks: [look], holds, weight });
    }
    return layers;
  };
  const layers = { 4: layersOf(4), 6: layersOf(6) };
  const asCompiled = chainWith(chain, layers, askedBefore(there));
  return sameRules(asCompiled.rules, there.rules) ? layers : null;
};

/** Whether a listed chain stands for exactly these addresses. */
export const standsFor = (current: Table | null, chain: AddressChain, addresses: AddressSet): boolean => {
  const layers = storedLayers(current, chain);
  return (
    layers !== null &&
    FAMILIES.every((family) => equals(addressesOfLayers(family, layers[family]), ofFamily(addresses, family)))
  );
};

/** Gives a name to a set that is not there yet. */
export type NameSet = (base: string) => string;

/** Names that neither the kernel holds nor this function has given: `s-web-4a24`, then `s-web-4a24.2`. */
export const namesBeside = (current: Table | null): NameSet => {
  const given = new Set<string>();
  return (base) => {
    for (let number = 1; ; number++) {
      const name = numbered(base, number);
      if (current?.sets.has(name) === true || given.has(name)) continue;
      given.add(name);
      return name;
    }
  };
};

/** One or two prefixes are rules: a set would cost a packet more than they do. */
const MOST_RULES = 2;

/** The looks by which a packet is asked whether it belongs to a new layer, with the sets that they need. */
const looksOf = (holds: PrefixSet, name: (length: number) => string): readonly Look[] => {
  const { family } = holds;
  if (equals(holds, EVERY_ADDRESS[family])) return [{ kind: 'all' }];
  if (hasAtMost(holds, MOST_RULES))
    return [...prefixes(holds)].map(rangeOf).map(({ first, last }) => ({ kind: 'range', first, last }));
  return looksFor(holds).flatMap(({ length, blocks }) =>
    setsOfBlocks(blocks, length, () => name(length)).map((set): Look => ({ kind: 'set', set, length })),
  );
};

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/**
 * The look-ups by which a chain comes to stand for `addresses`, and their sets: those in the kernel as far as they can
 * stay, none of them changed, and new ones.
 */
export const placeAddresses = (
  current: Table | null,
  chain: AddressChain,
  addresses: AddressSet,
  nameSet: NameSet,
): { readonly lookups: Lookups; readonly sets: readonly KnownSet[] } => {
  const stored = storedLayers(current, chain);
  const ofOne = (family: Family): readonly StoredLayer[] => {
    const layers: readonly (StoredLayer | Layer)[] = changeLayers(stored?.[family] ?? [], ofFamily(addresses, family));
    const taken = new Set(layers.flatMap((layer) => ('letter' in layer ? layer.letter : [])));
    return layers.map((layer) => {
      if ('letter' in layer) return layer;
      const letter = [...LETTERS].find((one) => !taken.has(one)) ?? 'z';
      taken.add(letter);
      const looks = looksOf(layer.holds, (length) => nameSet(`${chain.name}-${family}${letter}${length}`));
      return { ...layer, letter, looks, weight: looks.reduce((sum, look) => sum + weightOf(look), 0) };
    });
  };
  const lookups = { 4: ofOne(4), 6: ofOne(6) };
  return {
    lookups,
    sets: FAMILIES.flatMap((family) =>
      lookups[family].flatMap(({ looks }) => looks.flatMap((look) => (look.kind === 'set' ? [look.set] : []))),
    ),
  };
};
