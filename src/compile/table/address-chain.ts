import { FAMILIES, type Family } from '../../net/family.ts';
import { ofFamily, type AddressSet } from '../../net/address-set.ts';
import { equals } from '../../net/prefix-set.ts';
import {
  ipv4Destination,
  ipv4Source,
  ipv6Destination,
  ipv6Source,
  type Expression,
} from '../../ruleset/nft/expression.ts';
import { sameRules } from '../../print/same-rules.ts';
import { inSet, match, verdict } from '../../ruleset/nft/statement.ts';
import type { AddressSetObject, Chain, KnownSet, Rule, Table } from '../../ruleset/table.ts';
import { jump, type Verdict } from '../../ruleset/values/verdict.ts';
import { addressesOfLayers, changeLayers, type Layer } from './layers.ts';
import { numbered } from './names.ts';

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

/** A layer in a set of the kernel. */
export interface StoredLayer extends Layer {
  readonly set: string;
}

/** The layers of each family, in the order in which they are asked. */
export type Lookups = Readonly<Record<Family, readonly Pick<StoredLayer, 'set' | 'admits'>[]>>;

type End = 'source' | 'destination';
const ADDRESS: Readonly<Record<End, Readonly<Record<Family, Expression>>>> = {
  source: { 4: ipv4Source, 6: ipv6Source },
  destination: { 4: ipv4Destination, 6: ipv6Destination },
};

const lookup = (address: Expression, set: string, then: Verdict): Rule => ({
  statements: [match(address, inSet(set)), verdict(then)],
});

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
      lookups[family].map(({ set, admits }) => lookup(ADDRESS[end][family], set, admits ? then : otherwise)),
    ),
    ...after,
  ],
});

const addressesIn = (current: Table, set: string, family: Family): AddressSetObject | null => {
  const found = current.sets.get(set);
  return found?.kind === 'addresses' && found.type === `ipv${family}_addr` ? found : null;
};

/** The chains that a listed chain asks first. */
export const askedBefore = (chain: Chain | undefined): readonly string[] =>
  (chain?.rules ?? []).flatMap(({ statements: [first] }) =>
    first?.kind === 'verdict' && first.verdict.kind === 'jump' ? [first.verdict.chain] : [],
  );

/**
 * The layers that a listed chain looks into; null where there is no such chain, or where it has been changed by hand.
 */
export const storedLayers = (
  current: Table | null,
  chain: AddressChain,
): Readonly<Record<Family, readonly StoredLayer[]>> | null => {
  const there = current?.chains.get(chain.name);
  if (current === null || there === undefined) return null;
  const layersOf = (family: Family): readonly StoredLayer[] =>
    there.rules.flatMap((rule): StoredLayer[] => {
      const [first] = rule.statements;
      const set = first?.kind === 'match' && first.right.kind === 'set' ? first.right.name : null;
      const stored = set === null ? null : addressesIn(current, set, family);
      if (set === null || stored === null) return [];
      const admits = sameRules([rule], [lookup(ADDRESS.source[family], set, chain.then)]);
      return [{ set, admits, intervals: stored.intervals }];
    });
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

/** Names that neither the kernel holds nor this function has given: `s-web-4`, then `s-web-4.2`. */
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
    const layers = changeLayers(stored?.[family] ?? [], ofFamily(addresses, family));
    return layers.map((layer, index) => {
      if ('set' in layer) return layer;
      const suffix = index === layers.length - 1 ? '' : layer.admits ? '-plus' : '-minus';
      return { ...layer, set: nameSet(`${chain.name}-${family}${suffix}`) };
    });
  };
  const lookups = { 4: ofOne(4), 6: ofOne(6) };
  return {
    lookups,
    sets: FAMILIES.flatMap((family) =>
      lookups[family].map(({ set, intervals }): KnownSet => ({
        kind: 'addresses',
        name: set,
        type: `ipv${family}_addr`,
        intervals,
      })),
    ),
  };
};
