import type { Random } from '../random.ts';

/**
 * Named choices that stay until they are forgotten: so that one state differs from the one before it in a few of them.
 */
export interface Choices {
  /** One of a list; the same one as last time, unless it was forgotten. The list of a name is always the same. */
  readonly choose: <T>(name: string, list: readonly T[]) => T;
  /** Forgets some choices, or all. */
  readonly forget: (howMany: number | 'all') => void;
}

/** No choices made yet. */
export const choicesFrom = (random: Random): Choices => {
  const made = new Map<string, number>();
  return {
    choose: <T>(name: string, list: readonly T[]): T => {
      const index = made.get(name) ?? random.below(list.length);
      made.set(name, index);
      return list[index] as T;
    },
    forget: (howMany) => {
      if (howMany === 'all') made.clear();
      else for (const name of random.some([...made.keys()], howMany)) made.delete(name);
    },
  };
};
