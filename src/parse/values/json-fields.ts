export type Json = Readonly<Record<string, unknown>>;

/** A text under a key, or null. */
export const text = (json: Json, key: string): string | null => (typeof json[key] === 'string' ? json[key] : null);

/** A number under a key, or null. */
export const number = (json: Json, key: string): number | null => (typeof json[key] === 'number' ? json[key] : null);

/** A list; empty for any other value. */
export const list = (json: unknown): readonly unknown[] => (Array.isArray(json) ? json : []);

/** The texts of a list. */
export const strings = (json: unknown): readonly string[] => list(json).filter((item) => typeof item === 'string');
