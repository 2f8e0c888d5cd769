import type { Fraction } from './step.ts';

const divisor = (a: bigint, b: bigint): bigint => (b === 0n ? a : divisor(b, a % b));

/** `over / of` in lowest terms; `of` is positive. */
export const fraction = (over: bigint, of: bigint): Fraction => {
  const common = divisor(over, of);
  return { over: over / common, of: of / common };
};

/** What is left of the whole. */
export const rest = ({ over, of }: Fraction): Fraction => ({ over: of - over, of });

export const plus = (a: Fraction, b: Fraction): Fraction => fraction(a.over * b.of + b.over * a.of, a.of * b.of);

/** All. */
export const certain: Fraction = { over: 1n, of: 1n };
/** None. */
export const never: Fraction = { over: 0n, of: 1n };

/**
 * The fraction with the smallest denominator between two others, both included (the first common node of the
 * Stern-Brocot tree).
 */
const simplest = (low: Fraction, high: Fraction): Fraction => {
  const whole = low.over / low.of;
  if (low.over % low.of === 0n) return { over: whole, of: 1n };
  if (high.over / high.of > whole) return { over: whole + 1n, of: 1n };
  const inner = simplest(
    { over: high.of, of: high.over - whole * high.of },
    { over: low.of, of: low.over - whole * low.of },
  );
  return { over: whole * inner.over + inner.of, of: inner.over };
};

/**
 * The fraction that was meant by a probability of `over` / 2^31, as xt_statistic holds it: the one with the smallest
 * denominator that rounds to it. kube-proxy writes ten decimal places (pkg/proxy/iptables, computeProbability), so a
 * tenth of a step more is allowed.
 */
export const nominalShare = (over: number): Fraction => {
  if (over <= 0) return never;
  if (over >= 0x8000_0000) return certain;
  const of = 0x8000_0000n * 100n;
  const middle = BigInt(over) * 100n;
  return simplest({ over: middle - 61n, of }, { over: middle + 61n, of });
};
