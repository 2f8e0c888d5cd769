import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anySituation } from '../../test/support/random-manifests.ts';
import { problemsOf, warningsOf } from '../../test/support/told.ts';
import type { Result } from '../diagnostic/diagnostic.ts';
import type { Declared } from './model.ts';
import { readManifests } from './read-manifests.ts';

const OWN = 'portcullis.dev/v1alpha1';

/** What was read, without where it stands. */
const meaning = (result: Result<Declared>): unknown =>
  result.ok
    ? JSON.parse(
        JSON.stringify({ ...result.value, groups: [...result.value.groups] }, (key, value: unknown) =>
          key === 'origin' || key === 'warnings' ? undefined : typeof value === 'bigint' ? `${value}n` : value,
        ),
      )
    : null;

const asText = (objects: readonly unknown[]) =>
  readManifests(objects.map((object) => ({ name: 'x', text: JSON.stringify(object, null, 2) })));
const asObjects = (objects: readonly unknown[]) => readManifests([{ name: 'x', objects }]);

describe('objects that come as data', () => {
  test('mean what their text means, with the same problems at the same places', () => {
    fc.assert(
      fc.property(anySituation, ({ manifests }) => {
        const [text, data] = [asText(manifests), asObjects(manifests)];
        assert.deepEqual(meaning(data), meaning(text));
        assert.deepEqual([problemsOf(data), warningsOf(data)], [problemsOf(text), warningsOf(text)]);
      }),
      { numRuns: 300 },
    );
  });

  const wrong: [what: string, object: unknown, told: readonly string[]][] = [
    ['no object', 7, ['not-an-object', '1:1', '7', 'It begins with apiVersion and kind']],
    ['nothing at all', undefined, ['not-an-object', '1:1', 'undefined', 'It begins with apiVersion and kind']],
    [
      'a prefix with host bits',
      { apiVersion: OWN, kind: 'AddressGroup', metadata: { name: 'a' }, spec: { cidrs: ['10.0.0.1/8'] } },
      ['host-bits-set', '9:8', '10.0.0.1/8', 'Did you mean the network 10.0.0.0/8 or the one address 10.0.0.1/32?'],
    ],
    [
      'a field that there is not',
      { apiVersion: OWN, kind: 'AddressGroup', metadata: { name: 'a' }, spec: { cidrs: [], cidr: [] } },
      ['unknown-field', '9:5', '"cidr"', 'Did you mean cidrs?'],
    ],
  ];
  for (const [what, object, told] of wrong)
    test(`${what}: told with its place in the object's JSON`, () =>
      assert.deepEqual(problemsOf(asObjects([object])), [told]));
});
