import type { Result } from '../../src/diagnostic/diagnostic.ts';

/** The value of a result that must be good; fails with its problems. */
export const good = <T>(result: Result<T>): T => {
  if (!result.ok)
    throw new Error(result.problems.map(({ code, message, hint = '' }) => `${code}: ${message}  ${hint}`).join('\n'));
  return result.value;
};
