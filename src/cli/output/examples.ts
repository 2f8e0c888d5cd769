/** A command line behind `portcullis VERB`, and what it does. */
export type Example = readonly [input: string, meaning: string];

/** Examples as stricli's usage lines, the meanings in a column: what a person wants to see first is how it is done. */
export const examples = (...lines: readonly Example[]): readonly string[] => {
  const width = Math.max(...lines.map(([input]) => input.length));
  return lines.map(([input, meaning]) => (meaning === '' ? input : `${input.padEnd(width)}   ${meaning}`));
};
