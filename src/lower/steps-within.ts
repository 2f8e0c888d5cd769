import { lower } from './lower.ts';
import type { Step } from './step.ts';
import type { AnyRule } from '../ruleset/table.ts';

const nested = (step: Step): readonly Step[] => {
  switch (step.kind) {
    case 'any':
      return step.of.flat();
    case 'choose':
      return step.arms.flatMap(({ then }) => then ?? []);
    default:
      return [];
  }
};

const withNested = (steps: readonly Step[]): readonly Step[] =>
  steps.some(({ kind }) => kind === 'any' || kind === 'choose')
    ? steps.flatMap((step) => [step, ...withNested(nested(step))])
    : steps;

/** Every step of a rule, those within alternatives and arms of chance included. */
export const stepsWithin = (rule: AnyRule): readonly Step[] => withNested(lower(rule));
