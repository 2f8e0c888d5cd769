/** Whether a decoded JSON value is an object with keys. */
export const isRecord = (json: unknown): json is Record<string, unknown> =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** The first key of an object, for objects with a single key; empty where it has none. */
export const firstKey = (json: Readonly<Record<string, unknown>>): string => {
  for (const key in json) return key;
  return '';
};
