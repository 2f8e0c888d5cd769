export type Words = readonly string[];

/** The word behind another one; null where it is not there. */
export const after = (words: Words, name: string): string | null => {
  const at = words.indexOf(name);
  return at === -1 ? null : (words[at + 1] ?? null);
};
