import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { crdOf, crds } from './crds.ts';
import { SPECS, type OwnKind } from './schema.ts';
import type { Schema } from './structural.ts';

const FOLDER = new URL('../../deploy/crds/', import.meta.url);
const KINDS = Object.keys(SPECS) as readonly OwnKind[];

test('deploy/crds is what the schema says (npm run crds)', () => {
  const files = crds();
  assert.deepEqual(readdirSync(FOLDER).toSorted(), files.map(({ file }) => file).toSorted());
  for (const { file, text } of files) assert.equal(readFileSync(new URL(file, FOLDER), 'utf8'), text, file);
});

interface Place {
  readonly path: string;
  readonly schema: Schema;
  /** How often the place can occur in one object; null: without bound. */
  readonly times: number | null;
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every schema within a schema. */
const placesOf = ({ path, schema, times }: Place): readonly Place[] => [
  { path, schema, times },
  ...Object.entries(isSchema(schema['properties']) ? schema['properties'] : {}).flatMap(([name, field]) =>
    isSchema(field) ? placesOf({ path: `${path}.${name}`, schema: field, times }) : [],
  ),
  ...(['items', 'additionalProperties'] as const).flatMap((key) => {
    const inner = schema[key];
    const most = schema['maxItems'];
    const bound = typeof most === 'number' && times !== null ? times * most : null;
    return isSchema(inner) ? placesOf({ path: `${path}[]`, schema: inner, times: bound }) : [];
  }),
];

const rootOf = (kind: OwnKind): Schema => {
  const { versions } = crdOf(kind)['spec'] as { versions: readonly { schema: { openAPIV3Schema: Schema } }[] };
  const root = versions[0]?.schema.openAPIV3Schema;
  assert.ok(root !== undefined);
  return root;
};

const ALL: readonly Place[] = KINDS.flatMap((kind) => placesOf({ path: kind, schema: rootOf(kind), times: 1 }));

/** Exactly what apiextensions/v1 knows of JSON schema outside of logical junctors. */
const KNOWN_WORDS = new Set([
  'type', 'description', 'properties', 'required', 'items', 'additionalProperties', 'enum', 'default', 'format', 'pattern',
  'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'anyOf',
  'x-kubernetes-int-or-string', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-validations',
]); // prettier-ignore

describe('the schemas are structural', () => {
  test('every place has one type, but for int-or-string, which has exactly the two', () => {
    for (const { path, schema } of ALL)
      if (schema['x-kubernetes-int-or-string'] === true)
        assert.deepEqual(
          [schema['type'], schema['anyOf']],
          [undefined, [{ type: 'integer' }, { type: 'string' }]],
          path,
        );
      else {
        assert.ok(['object', 'array', 'string', 'integer', 'boolean'].includes(String(schema['type'])), path);
        assert.equal(schema['anyOf'], undefined, path);
      }
  });

  test('no words that the API server refuses, such as $ref, oneOf or const', () => {
    for (const { path, schema } of ALL)
      assert.deepEqual(
        Object.keys(schema).filter((word) => !KNOWN_WORDS.has(word)),
        [],
        path,
      );
  });

  test('additionalProperties is never false, and never beside properties', () => {
    for (const { path, schema } of ALL) {
      assert.notEqual(schema['additionalProperties'], false, path);
      assert.ok(schema['additionalProperties'] === undefined || schema['properties'] === undefined, path);
    }
  });

  test('every list says how writers share it', () => {
    for (const { path, schema } of ALL)
      if (schema['type'] === 'array')
        assert.ok(['atomic', 'set', 'map'].includes(String(schema['x-kubernetes-list-type'])), path);
  });

  test('every field of a spec is described', () => {
    const fields = ALL.filter(
      ({ path }) => /\.spec(\.|$)/.test(path) && !path.endsWith('[]') && !/\.(operator|values)$/.test(path),
    );
    assert.ok(fields.length > 30);
    for (const { path, schema } of fields) assert.ok(typeof schema['description'] === 'string', path);
  });
});

/**
 * What a rule costs once, at most: 66 for `cidr(self).masked() == cidr(self)` of 49 characters, by a real API server's
 * refusal (v1.36).
 */
const COST = 100;
/** apiextensions-apiserver, StaticEstimatedCostLimit and StaticEstimatedCRDCostLimit. */
const MOST_FOR_A_RULE = 10_000_000;
const MOST_FOR_A_CRD = 100_000_000;

test('no CEL rule can cost more than the API server permits', () => {
  for (const kind of KINDS) {
    let sum = 0;
    for (const { path, schema, times } of ALL.filter((place) => place.path.startsWith(`${kind}.`))) {
      const rules = (schema['x-kubernetes-validations'] ?? []) as readonly { readonly rule: string }[];
      for (const { rule } of rules) {
        assert.ok(times !== null, `${path} stands in a list without bound`);
        const except = (schema['properties'] as { except?: { maxItems?: number } } | undefined)?.except?.maxItems ?? 1;
        const cost = times * COST * (rule.includes('.all(') ? except : 1);
        assert.ok(cost <= MOST_FOR_A_RULE, `${path}: ${cost}`);
        sum += cost;
      }
    }
    assert.ok(sum > 0 && sum <= MOST_FOR_A_CRD, `${kind}: ${sum}`);
  }
});

describe('what a CRD checks', () => {
  const rulesAt = (path: string): readonly string[] =>
    ((ALL.find((place) => place.path === path)?.schema['x-kubernetes-validations'] ?? []) as { message: string }[]).map(
      ({ message }) => message,
    );
  const rows: readonly (readonly [path: string, messages: readonly string[]])[] = [
    ['NodePortPolicy.spec', ['give services or serviceSelector, not both']],
    [
      'NodePortPolicy.spec.allow[]',
      ['name exactly one of cidr, addressGroup, cluster and everyone', 'every except must lie inside cidr'],
    ],
    ['NodePortPolicy.spec.allow[].cidr', ['must be a prefix without host bits, such as 203.0.113.0/24']],
    ['NodePortPolicy.spec.allow[].except[]', ['must be a prefix without host bits, such as 203.0.113.0/24']],
    ['ClusterNodePortPolicy.spec', ['allowFailsafePorts belongs to tier Admin']],
    ['ClusterNodePortPolicy.spec.subject', ['name exactly one of services and ports']],
    ['ClusterNodePortPolicy.spec.rules[].from[].cidr', ['must be a prefix without host bits, such as 203.0.113.0/24']],
    [
      'ClusterNodePortPolicy.spec.nodeSelector.matchExpressions[]',
      ['In and NotIn need values, Exists and DoesNotExist take none'],
    ],
    ['AddressGroup.spec.cidrs[]', ['must be a prefix without host bits, such as 203.0.113.0/24']],
  ];
  for (const [path, messages] of rows)
    test(`${path}: ${messages.join('; ')}`, () => assert.deepEqual(rulesAt(path), messages));

  const port = new RegExp(String(ALL.find(({ path }) => path === 'NodePortPolicy.spec.ports[]')?.schema['pattern']));
  const texts: readonly (readonly [text: string, good: boolean])[] = [
    ['https', true], ['h2', true], ['8080-tcp', true], ['30001', true], ['30001/udp', true], ['30010-30019', true], ['30010-30019/sctp', true],
    ['030001', false], ['0', false], ['Https', false], ['https/tcp', false], ['30001/icmp', false], ['30001/TCP', false], ['30001:30002', false], ['30001-', false], ['', false], ['a b', false],
  ]; // prettier-ignore
  for (const [text, good] of texts)
    test(`ports: ["${text}"] is ${good ? 'good' : 'refused'}`, () => assert.equal(port.test(text), good));
});
