/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** 0 to `below` - 1. */
  readonly below: (below: number) => number;
  readonly pick: <T>(list: readonly T[]) => T;
  /** True once in `of` times. */
  readonly once: (of: number) => boolean;
  /** `count` different ones of a list, in its order. */
  readonly some: <T>(list: readonly T[], count: number) => readonly T[];
}

/** mulberry32: small, and good enough for tests. */
export const randomFrom = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (limit: number): number => next() % limit;
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  return {
    below,
    pick,
    once: (of) => below(of) === 0,
    some: (list, count) => {
      const left = list.map((_, index) => index);
      while (left.length > count) left.splice(below(left.length), 1);
      return left.map((index) => list[index] as (typeof list)[number]);
    },
  };
};

/** What can be written at a place, as texts that are made when they are chosen. */
export type Forms<P> = (place: P) => readonly (() => string)[];

/** A text of one of several groups of forms; each group as likely, a group that has none at the place left out. */
export const oneOf = <P extends { readonly random: Random }>(groups: readonly Forms<P>[], place: P): string => {
  const forms = place.random.pick(groups)(place);
  return forms.length === 0 ? oneOf(groups, place) : place.random.pick(forms)();
};
