/** A JSON schema or a part of one: plain data. */
export type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The structural form that apiextensions/v1 demands of a JSON schema: `additionalProperties: false` is implied (unknown
 * fields are pruned, and refused by `kubectl`), and bounds of an int-or-string stand beside its `anyOf`, which holds
 * the two types and nothing else.
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

/** `minimum` and `maximum` hold for numbers and `maxLength` for texts alone, so they can stand side by side. */
const intOrString = (anyOf: unknown): Schema => {
  const arms = Array.isArray(anyOf) ? anyOf.filter(isSchema) : [];
  const bounds = arms.flatMap((arm) => Object.entries(arm).filter(([word]) => word !== 'type'));
  return { anyOf: arms.map(({ type }) => ({ type })), ...Object.fromEntries(bounds) };
};
