import type * as z from 'zod';
import { error, type Diagnostic } from '../diagnostic/diagnostic.ts';
import type { ManifestDocument } from './manifest-document.ts';
import { nearest } from './nearest.ts';
import { quoted, valueText } from './value-text.ts';

type Issue = z.core.$ZodIssue;

/** At most this many problems of one object are reported, because nobody reads more. */
const MOST_ISSUES = 100;

/** Checks one part of a document against its schema. Problems point at the wrong value or the unknown field. */
export const checkShape = <T>(
  schema: z.ZodType<T>,
  value: unknown,
  document: ManifestDocument,
  path: readonly PropertyKey[],
  problems: Diagnostic[],
): T | null => {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const seen = new Set<string>();
  for (const issue of result.error.issues.slice(0, MOST_ISSUES)) {
    // The size of a value of the wrong type is not checked as well.
    const place = JSON.stringify(issue.path);
    if (issue.code !== 'unrecognized_keys' && seen.has(place)) continue;
    seen.add(place);
    problems.push(...explain(issue, document, path, schema));
  }
  return null;
};

const fieldText = (path: readonly PropertyKey[]): string =>
  path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');

const knownKeys = (schema: unknown, path: readonly PropertyKey[]): readonly string[] => {
  let here: unknown = schema;
  for (const part of path) here = step(unwrap(here), part);
  const shape = (unwrap(here) as { shape?: Record<string, unknown> } | undefined)?.shape;
  return shape === undefined ? [] : Object.keys(shape);
};

const unwrap = (schema: unknown): unknown => {
  const inner = (schema as { _zod?: { def?: { innerType?: unknown } } } | undefined)?._zod?.def?.innerType;
  return inner === undefined ? schema : unwrap(inner);
};

const step = (schema: unknown, part: PropertyKey): unknown =>
  typeof part === 'number'
    ? (schema as { element?: unknown } | undefined)?.element
    : (schema as { shape?: Record<string, unknown> } | undefined)?.shape?.[String(part)];

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'a mapping',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  record: 'a mapping',
};

const explain = (
  issue: Issue,
  document: ManifestDocument,
  base: readonly PropertyKey[],
  schema: unknown,
): readonly Diagnostic[] => {
  const path = [...base, ...issue.path];
  const field = fieldText(path);
  const at = (code: string, message: string, hint?: string, where: readonly PropertyKey[] = path): Diagnostic => ({
    ...error(code, message, document.spanOf(where), hint),
    source: document.source,
  });
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const known = knownKeys(schema, issue.path);
        const guess = nearest(key, known);
        return {
          ...error(
            'unknown-field',
            `${key.slice(0, 60)} is not a field of ${field}`,
            document.keySpanOf([...path, key]),
            guess === null ? `Fields here: ${known.join(', ')}` : `Did you mean ${guess}?`,
          ),
          source: document.source,
        };
      });
    case 'invalid_type':
      return issue.input === undefined
        ? [
            at(
              'missing-field',
              `${field} is missing`,
              `${String(path.at(-1))} should be ${EXPECTED[issue.expected] ?? issue.expected}`,
            ),
          ]
        : [
            at(
              'wrong-type',
              `${field} should be ${EXPECTED[issue.expected] ?? issue.expected}, not ${valueText(issue.input)}`,
              typeHint(issue.expected, issue.input),
            ),
          ];
    case 'invalid_value':
      return issue.input === undefined
        ? [at('missing-field', `${field} is missing`, `Write one of: ${issue.values.map(String).join(', ')}`)]
        : [
            at(
              'wrong-value',
              `${field} cannot be ${typeof issue.input === 'string' ? quoted(issue.input) : valueText(issue.input)}`,
              wordHint(issue.input, issue.values.map(String)),
            ),
          ];
    case 'too_small':
      return [
        at(
          'too-small',
          issue.origin === 'number' || issue.origin === 'int'
            ? `${field} is smaller than ${issue.minimum}`
            : `${field} is empty`,
          issue.origin === 'array'
            ? 'Give at least one entry'
            : issue.origin === 'string'
              ? 'Write a text'
              : `The smallest is ${issue.minimum}`,
        ),
      ];
    case 'too_big':
      return [
        at(
          'too-large',
          issue.origin === 'array'
            ? `${field} has more than ${issue.maximum} entries`
            : issue.origin === 'string'
              ? `${field} has more than ${issue.maximum} characters`
              : `${field} is larger than ${issue.maximum}`,
          issue.origin === 'array' && (path.includes('allow') || path.includes('from'))
            ? `The most is ${issue.maximum}; put long lists of addresses into an AddressGroup`
            : `The most is ${issue.maximum}`,
        ),
      ];
    case 'invalid_union':
      return [
        at(
          'wrong-type',
          `${field} cannot be ${valueText(issue.input)}`,
          path.includes('ports')
            ? 'Write a port name, a number from 1 to 65535, or a range such as "30010-30019/udp"'
            : undefined,
        ),
      ];
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return [at('wrong-value', `${field}: ${issue.message}`)];
  }
};

/** kubectl would refuse it too: a text that looks like a number or a truth value needs quotes. */
const typeHint = (expected: string, input: unknown): string | undefined =>
  expected === 'string' && (typeof input === 'number' || typeof input === 'boolean')
    ? `Put it in quotes: "${input}"`
    : expected === 'array' && (typeof input === 'string' || typeof input === 'number')
      ? `Write [${String(input).slice(0, 40)}]`
      : expected === 'number' && typeof input === 'string' && /^[0-9]{1,9}$/.test(input)
        ? `Write ${Number(input)}`
        : undefined;

const wordHint = (input: unknown, allowed: readonly string[]): string => {
  const guess = typeof input === 'string' ? nearest(input, allowed) : null;
  return guess === null
    ? `Write ${allowed.length === 1 ? '' : 'one of: '}${allowed.join(', ')}`
    : `Did you mean ${guess}?`;
};
