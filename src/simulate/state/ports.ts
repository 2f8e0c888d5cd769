import type { Value } from '../../ruleset/values/data-type.ts';
import type { Ports } from './state.ts';

/** The ports of a list that lie in one of the values, and those that do not. */
export const splitPorts = (
  ports: Ports,
  values: readonly Value[],
): { readonly inside: Ports; readonly outside: Ports } => {
  const inside: { first: number; last: number }[] = [];
  let outside: readonly { first: number; last: number }[] = ports;
  for (const value of values) {
    if (value.kind !== 'range') continue;
    const [first, last] = [Number(value.first), Number(value.last)];
    outside = outside.flatMap((range) => {
      if (last < range.first || first > range.last) return [range];
      inside.push({ first: Math.max(first, range.first), last: Math.min(last, range.last) });
      return [
        ...(range.first < first ? [{ first: range.first, last: first - 1 }] : []),
        ...(range.last > last ? [{ first: last + 1, last: range.last }] : []),
      ];
    });
  }
  return { inside: inside.sort((a, b) => a.first - b.first), outside };
};
