export type Words = readonly string[];

/** The word after another one; null where that one is missing. */
export const after = (words: Words, name: string): string | null => {
  const at = words.indexOf(name);
  return at === -1 ? null : (words[at + 1] ?? null);
};
