import { LAST, type Family } from '../../net/family.ts';
import { contains, ranges, setOfRanges, type PrefixSet } from '../../net/prefix-set.ts';
import type { ValueSource } from '../../lower/value-source.ts';

export type Masked = Extract<ValueSource, { kind: 'masked' }>;

/** Masks with holes in them come to one block for each way to fill the holes. */
const MOST_BLOCKS = 65_536;

const trailingZeros = (value: bigint): number => {
  let count = 0;
  while (((value >> BigInt(count)) & 1n) === 0n) count += 1;
  return count;
};

/** Whether the bits of a mask stand in one row from the highest: that of a prefix. */
const isPrefixMask = (mask: bigint, hostBits: number, family: Family): boolean =>
  mask === LAST[family] - ((1n << BigInt(hostBits)) - 1n);

/** Every number whose bits are all among those of `holes`. */
const fillings = (holes: bigint): readonly bigint[] => {
  let list = [0n];
  for (let bit = 0n; holes >> bit !== 0n; bit += 1n)
    if (((holes >> bit) & 1n) === 1n) list = list.flatMap((one) => [one, one | (1n << bit)]);
  return list;
};

const countHoles = (holes: bigint): number => holes.toString(2).replaceAll('0', '').length;

const computed = new WeakMap<PrefixSet, Map<bigint, PrefixSet | null>>();

/**
 * The sources that come to lie in `values` when a rule masks them (`ip saddr & 255.255.255.0`): exact. null where that
 * would take too many blocks, or where the rule does more than to mask; then nobody can tell.
 */
export const maskedSources = (values: PrefixSet, { and, xor, shift }: Masked): PrefixSet | null => {
  if (xor !== 0n || shift !== 0) return null;
  const known = computed.get(values) ?? new Map<bigint, PrefixSet | null>();
  computed.set(values, known);
  const before = known.get(and);
  if (before !== undefined) return before;
  const made = unmasked(values, and & LAST[values.family]);
  known.set(and, made);
  return made;
};

const unmasked = (values: PrefixSet, mask: bigint): PrefixSet | null => {
  const { family } = values;
  if (mask === 0n) return setOfRanges(family, hasZero(values) ? [{ first: 0n, last: LAST[family] }] : []);
  const hostBits = trailingZeros(mask);
  const size = 1n << BigInt(hostBits);
  if (isPrefixMask(mask, hostBits, family)) return blocksOfBases(values, size);
  const holes = LAST[family] & ~mask & ~(size - 1n);
  if (countHoles(holes) > 16) return null;
  const ways = fillings(holes);
  const list: { readonly first: bigint; readonly last: bigint }[] = [];
  for (const { first, last } of ranges(values)) {
    if ((last - first) / size > BigInt(MOST_BLOCKS)) return null;
    for (let base = (first + size - 1n) & ~(size - 1n); base <= last; base += size) {
      if ((base & holes) !== 0n) continue;
      if (list.length + ways.length > MOST_BLOCKS) return null;
      for (const way of ways) list.push({ first: base | way, last: (base | way) + size - 1n });
    }
  }
  return setOfRanges(family, list);
};

const hasZero = (values: PrefixSet): boolean => contains(values, 0n);

/** The blocks whose first addresses are among the values. */
const blocksOfBases = (values: PrefixSet, size: bigint): PrefixSet => {
  if (size === 1n) return values;
  const list: { readonly first: bigint; readonly last: bigint }[] = [];
  for (const { first, last } of ranges(values)) {
    const [low, high] = [(first + size - 1n) & ~(size - 1n), last & ~(size - 1n)];
    if (low <= high) list.push({ first: low, last: high + size - 1n });
  }
  return setOfRanges(values.family, list);
};
