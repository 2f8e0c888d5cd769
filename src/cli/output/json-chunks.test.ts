import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { jsonChunks, plainData } from './json-chunks.ts';

const written = (value: unknown): string => [...jsonChunks(value)].join('');

/** The same with every list as a generator, which can be gone through once. */
const lazily = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as unknown[]).map(lazily).values();
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, lazily(field)]));
};

describe('JSON in chunks', () => {
  test('is what JSON.stringify writes, for lists and for what comes one by one', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value, null, 2);
        assert.equal(written(value), text);
        assert.equal(written(lazily(value)), text);
        assert.equal(JSON.stringify(plainData(lazily(value)), null, 2), text);
      }),
    );
  });

  const cases: [value: unknown, text: string][] = [
    [{ a: undefined, b: [undefined], c: () => 1 }, '{\n  "b": [\n    null\n  ]\n}'],
    [{ a: undefined }, '{}'],
    [[], '[]'],
    [{ __proto__: null, a: 'ä"\u2028' }, '{\n  "a": "ä\\"\u2028"\n}'],
  ];
  for (const [value, text] of cases) test(JSON.stringify(text), () => assert.equal(written(value), text));

  test('no chunk is large, and items are made when they are written', () => {
    let made = 0;
    const many = {
      *[Symbol.iterator]() {
        for (; made < 100_000; made++) yield `item ${made}`;
      },
    };
    const chunks = jsonChunks({
      many,
      get count() {
        return made;
      },
    });
    const first = chunks.next().value ?? '';
    assert.ok(first.length < 100_000 && made < 10_000, `${first.length} characters, ${made} items`);
    const rest = [...chunks];
    assert.ok(rest.every((chunk) => chunk.length < 100_000));
    assert.match(rest.at(-1) ?? '', /"count": 100000\n\}$/);
  });
});
