import type { Fraction } from '../../lower/step.ts';

/** `1/3`, or `1`. */
export const fractionText = ({ over, of }: Fraction): string => (of === 1n ? `${over}` : `${over}/${of}`);

/** The sum of fractions, in lowest terms. */
export const sumOf = (fractions: readonly Fraction[]): Fraction => {
  let [over, of] = [0n, 1n];
  for (const one of fractions) [over, of] = [over * one.of + one.over * of, of * one.of];
  const common = divisor(over, of);
  return { over: over / common, of: of / common };
};

const divisor = (a: bigint, b: bigint): bigint => (b === 0n ? (a === 0n ? 1n : a) : divisor(b, a % b));

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

/** `1,234,567`. Intl would load its tables first, which takes longer than most commands take to answer. */
export const grouped = (count: number | bigint): string => String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');

/** `three`, `27`. */
export const countWord = (count: number): string => WORDS[count] ?? grouped(count);

/** `0x4000`. */
export const markText = (mark: bigint): string => `0x${mark.toString(16)}`;
