import type { Address } from './address.ts';
import type { Family } from './family.ts';
import type { Prefix } from './prefix.ts';
import {
  complement,
  contains,
  count,
  difference,
  emptySet,
  equals,
  fullSet,
  intersection,
  isEmpty,
  prefixes,
  setOfPrefixes,
  union,
  type PrefixSet,
} from './prefix-set.ts';

/** A set of addresses of both families. */
export interface AddressSet {
  readonly v4: PrefixSet;
  readonly v6: PrefixSet;
}

export const nobody: AddressSet = { v4: emptySet(4), v6: emptySet(6) };
export const everyone: AddressSet = { v4: fullSet(4), v6: fullSet(6) };

/** The addresses of some prefixes of either family. */
export const addressSet = (list: Iterable<Prefix>): AddressSet => {
  const v4: Prefix[] = [];
  const v6: Prefix[] = [];
  for (const prefix of list) (prefix.family === 4 ? v4 : v6).push(prefix);
  return { v4: setOfPrefixes(4, v4), v6: setOfPrefixes(6, v6) };
};

/** The addresses in any of the sets. */
export const addressUnion = (...sets: readonly AddressSet[]): AddressSet =>
  sets.reduce((all, set) => (isNobody(all) ? set : { v4: union(all.v4, set.v4), v6: union(all.v6, set.v6) }), nobody);

/** The addresses in both sets. */
export const addressIntersection = (a: AddressSet, b: AddressSet): AddressSet => ({
  v4: intersection(a.v4, b.v4),
  v6: intersection(a.v6, b.v6),
});

/** The addresses in a and not in b. */
export const addressDifference = (a: AddressSet, b: AddressSet): AddressSet => ({
  v4: difference(a.v4, b.v4),
  v6: difference(a.v6, b.v6),
});

/** Every address that is not in a. */
export const addressComplement = (a: AddressSet): AddressSet => ({ v4: complement(a.v4), v6: complement(a.v6) });

/** Whether the address is in the set. */
export const hasAddress = (set: AddressSet, { family, value }: Address): boolean =>
  contains(ofFamily(set, family), value);

/** Whether both hold the same addresses. */
export const sameAddresses = (a: AddressSet, b: AddressSet): boolean =>
  a === b || (equals(a.v4, b.v4) && equals(a.v6, b.v6));

/** Whether no address is in the set. */
export const isNobody = ({ v4, v6 }: AddressSet): boolean => isEmpty(v4) && isEmpty(v6);

/** Whether every address of a is in b. */
export const isSubsetOf = (a: AddressSet, b: AddressSet): boolean => isNobody(addressDifference(a, b));

/** Number of addresses of both families together. */
export const countAddresses = ({ v4, v6 }: AddressSet): bigint => count(v4) + count(v6);

/** The fewest prefixes that make up the set, IPv4 first. */
export function* addressPrefixes({ v4, v6 }: AddressSet): Generator<Prefix, void, undefined> {
  yield* prefixes(v4);
  yield* prefixes(v6);
}

/** The part of one family. */
export const ofFamily = ({ v4, v6 }: AddressSet, family: Family): PrefixSet => (family === 4 ? v4 : v6);
