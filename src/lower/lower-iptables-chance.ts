import { fraction, nominalShare, rest } from './fraction.ts';
import type { MatchOf } from './lower-iptables-values.ts';
import type { Step } from './step.ts';

const NEVER: Step = { kind: 'choose', how: 'turn', arms: [{ share: fraction(1n, 1n), then: null }] };

/** A share of the packets, each decided by itself. */
export const lowerRandom = ({ negate, over }: MatchOf<'statistic-random'>): Step => {
  const share = negate ? rest(nominalShare(over)) : nominalShare(over);
  return {
    kind: 'choose',
    how: 'random',
    arms: [
      { share, then: [] },
      { share: rest(share), then: null },
    ],
  };
};

/** Every n-th packet. */
export const lowerNth = ({ negate, every }: MatchOf<'statistic-nth'>): Step => {
  const one = fraction(1n, BigInt(every));
  const share = negate ? rest(one) : one;
  return {
    kind: 'choose',
    how: 'turn',
    arms: [
      { share, then: [] },
      { share: rest(share), then: null },
    ],
  };
};

/**
 * net/netfilter/xt_recent.c, recent_mt: `--set` always matches; the others when the list holds the address as asked.
 */
export const lowerRecent = ({ negate, action, list, seconds, hitcount }: MatchOf<'recent'>): readonly Step[] => {
  const record: Step = { kind: 'record', what: 'recent', name: list };
  if (action === 'set') return negate ? [record, NEVER] : [record];
  const text = [
    `${negate ? '! ' : ''}--${action}`,
    ...(seconds === null ? [] : [`--seconds ${seconds}`]),
    ...(hitcount === null ? [] : [`--hitcount ${hitcount}`]),
  ].join(' ');
  const maybe: Step = { kind: 'maybe', why: 'recent', name: list, text };
  return action === 'rcheck' ? [maybe] : [maybe, record];
};
