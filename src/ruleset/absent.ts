/** What no dump told. Absent is not empty: whatever depends on it is unknown, never "no". */
export interface Absent {
  readonly kind: 'absent';
  /** For people: `no ipset save was given`. */
  readonly why: string;
}

/** Something that nobody told us. */
export const absent = (why: string): Absent => ({ kind: 'absent', why });

/** Whether something is absent rather than known (perhaps known to be empty). */
export const isAbsent = (thing: unknown): thing is Absent =>
  typeof thing === 'object' && thing !== null && (thing as { kind?: unknown }).kind === 'absent';
