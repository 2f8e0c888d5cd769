import type { Inverted, IptablesMatch, WrittenOption } from '../../../ruleset/iptables/match.ts';

export type Options = readonly WrittenOption[];

export type MatchReader = (options: Options, module: string) => IptablesMatch | null;

/** The first option of that name. */
export const find = (options: Options, name: string): WrittenOption | undefined =>
  options.find((option) => option.name === name);

/** The value of an option, `null` where it is not there, undefined where its value is not understood. */
export const inverted = <T>(
  options: Options,
  name: string,
  read: (value: string) => T | null,
): Inverted<T> | null | undefined => {
  const option = find(options, name);
  if (option === undefined) return null;
  const value = read(option.values[0] ?? '');
  return value === null ? undefined : { negate: option.negate, value };
};

/** The list, or null where something in it is null. */
export const all = <T>(list: readonly (T | null)[]): readonly T[] | null =>
  list.every((item): item is T => item !== null) ? list : null;
