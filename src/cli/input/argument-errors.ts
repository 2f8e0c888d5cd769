import { ArgumentScannerError, formatMessageForArgumentScannerError } from '@stricli/core';

const orWords = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

const guess = (corrections: readonly string[]): string =>
  corrections.length === 0 ? '' : `\n  Did you mean ${orWords(corrections)}?`;

/** Whether a word is this flag, by its whole name or by its first letter. */
const isFlag = (word: string | undefined, name: string): boolean => word === `--${name}` || word === `-${name[0]}`;

/**
 * What is wrong with the words of a command line, in the form of all other errors: what it is, and below it what would
 * be right.
 */
export const describeArgumentError = (problem: unknown): string => {
  if (!(problem instanceof ArgumentScannerError))
    return `error: ${problem instanceof Error ? problem.message : String(problem)}`;
  const text = formatMessageForArgumentScannerError(problem, {
    UnsatisfiedFlagError: ({ externalFlagName, nextFlagName }) =>
      nextFlagName === undefined && !isFlag(process.argv.at(-1), externalFlagName)
        ? `--${externalFlagName} is missing`
        : `--${externalFlagName} has no value`,
    UnsatisfiedPositionalError: ({ placeholder }) => `${placeholder} is missing`,
    UnexpectedPositionalError: ({ input }) => `${JSON.stringify(input)} is one word too many`,
    FlagNotFoundError: ({ input, corrections }) =>
      `there is no flag --${input}${guess(corrections.map((flag) => `--${flag}`))}`,
    AliasNotFoundError: ({ input }) => `there is no flag -${input}`,
    EnumValidationError: ({ externalFlagName, input, values }) =>
      `--${externalFlagName} ${input} is not known\n  Write ${orWords(values)}`,
    ArgumentParseError: ({ externalFlagNameOrPlaceholder, exception }) =>
      `${externalFlagNameOrPlaceholder}: ${exception instanceof Error ? exception.message : String(exception)}`,
  });
  return `error: ${text}`;
};
