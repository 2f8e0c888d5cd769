import { proposeCompletions, type Application } from '@stricli/core';
import type { Context } from './output/context.ts';

/**
 * Prints one proposal per line for the words typed so far, the last of them unfinished: what the shells' scripts ask.
 */
export const complete = async (
  app: Application<Context>,
  words: readonly string[],
  context: Context,
): Promise<void> => {
  const proposals = await proposeCompletions(app, words, context);
  const lines = proposals.map(({ completion, brief }) => `${completion}\t${brief}\n`);
  context.process.stdout.write(lines.join(''));
};
