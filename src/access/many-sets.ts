import {
  addressDifference,
  addressIntersection,
  addressUnion,
  isNobody,
  nobody,
  type AddressSet,
} from '../net/address-set.ts';

/** Some sets halved again and again, each half with its union: what costs n² set by set costs n log n by halves. */
interface Halves {
  readonly all: AddressSet;
  /** null: one set alone. */
  readonly halves: readonly [Halves, Halves] | null;
}

const halve = (sets: readonly AddressSet[], start: number, end: number): Halves => {
  if (end - start <= 1) return { all: sets[start] ?? nobody, halves: null };
  const middle = (start + end) >>> 1;
  const [left, right] = [halve(sets, start, middle), halve(sets, middle, end)];
  return { all: addressUnion(left.all, right.all), halves: [left, right] };
};

/** The addresses in any of the sets, however many these are. */
export const unionOf = (sets: readonly AddressSet[]): AddressSet => halve(sets, 0, sets.length).all;

/** Who gets which part of some addresses. */
export interface Shares {
  /** One for each claim, in the same order. */
  readonly shares: readonly AddressSet[];
  /** What nobody claims. */
  readonly rest: AddressSet;
}

/** Gives each address of `open` to the first claim that holds it. */
export const firstMatch = (open: AddressSet, claims: readonly AddressSet[]): Shares => {
  const tree = halve(claims, 0, claims.length);
  const shares: AddressSet[] = [];
  /** `part` lies within `all`. */
  const share = ({ all, halves }: Halves, part: AddressSet): void => {
    if (halves === null) {
      shares.push(part);
      return;
    }
    const [left, right] = halves;
    share(left, isNobody(part) ? nobody : part === all ? left.all : addressIntersection(part, left.all));
    share(right, isNobody(part) ? nobody : addressDifference(part, left.all));
  };
  if (claims.length > 0) share(tree, addressIntersection(open, tree.all));
  return { shares, rest: addressDifference(open, tree.all) };
};
