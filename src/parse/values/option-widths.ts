/** The options of a module, and how many values follow each. */
export type OptionWidths = Readonly<Record<string, 0 | 1 | 2>>;
