import type { WrittenOption } from '../../../ruleset/iptables/match.ts';
import type { IptablesTarget } from '../../../ruleset/iptables/target.ts';

export type Options = readonly WrittenOption[];

export type TargetReader = (options: Options, module: string) => IptablesTarget | null;

/** Whether the option is there. */
export const has = (options: Options, name: string): boolean => options.some((option) => option.name === name);

/** The first value of an option, or null. */
export const valueOf = (options: Options, name: string): string | null =>
  options.find((option) => option.name === name)?.values[0] ?? null;
