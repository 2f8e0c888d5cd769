/** A JSON schema or a part of one: plain data. */
export type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The structural form of a JSON schema that apiextensions/v1 demands. `additionalProperties: false` is implied: unknown
 * fields are pruned, and refused by `kubectl`. The bounds of an int-or-string are beside its `anyOf`, which holds the
 * two types and nothing else.
 */
export const structural = (schema: Schema): Schema => {
  const { properties, items, additionalProperties, anyOf, description, ...rest } = schema;
  return {
    ...(description === undefined ? {} : { description }),
    ...(rest['x-kubernetes-int-or-string'] === true ? intOrString(anyOf) : {}),
    ...rest,
    ...(isSchema(items) ? { items: structural(items) } : {}),
    ...(isSchema(additionalProperties) ? { additionalProperties: structural(additionalProperties) } : {}),
    ...(isSchema(properties)
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, field]) => [name, isSchema(field) ? structural(field) : field]),
          ),
        }
      : {}),
  };
};

/** `minimum` and `maximum` apply to numbers alone and `maxLength` to texts alone, so all can be in one place. */
const intOrString = (anyOf: unknown): Schema => {
  const arms = Array.isArray(anyOf) ? anyOf.filter(isSchema) : [];
  const bounds = arms.flatMap((arm) => Object.entries(arm).filter(([word]) => word !== 'type'));
  return { anyOf: arms.map(({ type }) => ({ type })), ...Object.fromEntries(bounds) };
};
