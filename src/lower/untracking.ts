import type { AnyTable } from '../ruleset/table.ts';
import { stepsWithin } from './steps-within.ts';

/** The chains of a table that have a rule which takes packets from connection tracking, by name. */
export const untrackingChains = ({ chains }: AnyTable): readonly string[] =>
  [...chains.values()]
    .filter(({ rules }) => rules.some((rule) => stepsWithin(rule).some(({ kind }) => kind === 'notrack')))
    .map(({ name }) => name);
