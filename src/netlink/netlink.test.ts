import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { between, single, type DataType, type Value } from '../ruleset/values/data-type.ts';
import type { Verdict } from '../ruleset/values/verdict.ts';
import { readAcknowledgement } from './answer.ts';
import {
  nested,
  number32,
  raw,
  sizeOfAttributes,
  text,
  visitAttributes,
  writeAttributes,
  type Attribute,
} from './attribute.ts';
import { commitReader } from './commits.ts';
import { CONTROL, FLAG, HEADER } from './constants.ts';
import { changeElements, changeKeys, type Element } from './elements.ts';
import { beginBatch, encodeBatch, endBatch, readGeneration } from './generation.ts';
import { keyBytes, keyLayout, readKey } from './key-bytes.ts';
import { encodeMessage, messagesOf, type Message, type Received } from './message.ts';
import { readObject } from './objects.ts';
import { visitElements, type ReadElement } from './read-elements.ts';

const PLACE = { family: 'inet', table: 'portcullis', set: 's-web-4-24' } as const;

const received = (message: Message): Received => {
  const messages = messagesOf(encodeMessage(message, 1));
  assert.ok(messages.ok);
  const [first] = messages.value;
  assert.ok(first !== undefined && messages.value.length === 1);
  return first;
};

const elementsOf = (messages: readonly Message[]): readonly ReadElement[] =>
  messages.flatMap((message) => {
    const elements: ReadElement[] = [];
    const read = visitElements(received(message), (element) =>
      elements.push({ ...element, key: element.key.slice(), last: element.last?.slice() ?? null }),
    );
    assert.ok(read.ok && read.value === PLACE.set);
    return elements;
  });

const TYPES: readonly (readonly DataType[])[] = [
  ['ipv4_addr'],
  ['ipv6_addr'],
  ['inet_service'],
  ['inet_proto', 'inet_service'],
  ['ipv4_addr', 'inet_proto', 'inet_service'],
  ['ipv6_addr', 'ipv6_addr', 'inet_proto', 'inet_service'],
];
const BITS: Partial<Record<DataType, number>> = { ipv4_addr: 32, ipv6_addr: 128, inet_proto: 8, inet_service: 16 };

const aNumber = (type: DataType): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: 0n, max: (1n << BigInt(BITS[type] ?? 0)) - 1n });
const aValue = (type: DataType): fc.Arbitrary<Value> =>
  fc.oneof(
    aNumber(type).map((value) => single(value)),
    fc.tuple(aNumber(type), aNumber(type)).map(([a, b]) => (a < b ? between(a, b) : between(b, a))),
  );
const aKey = fc.constantFrom(...TYPES).chain((types) => fc.tuple(fc.constant(types), fc.tuple(...types.map(aValue))));

const aVerdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom<Verdict>({ kind: 'accept' }, { kind: 'drop' }, { kind: 'return' }, { kind: 'continue' }),
  fc
    .tuple(fc.constantFrom('goto' as const, 'jump' as const), fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/))
    .map(([kind, chain]) => ({ kind, chain })),
);
const anElement: fc.Arbitrary<Element> = fc.record(
  {
    key: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    last: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    verdict: aVerdict,
  },
  { requiredKeys: ['key'] },
);

describe('attributes', () => {
  const leaf = fc
    .tuple(fc.integer({ min: 1, max: 100 }), fc.uint8Array({ maxLength: 20 }))
    .map(([type, bytes]) => raw(type, bytes));
  const tree: fc.Arbitrary<Attribute> = fc.oneof(
    leaf,
    fc
      .tuple(fc.integer({ min: 1, max: 100 }), fc.array(leaf, { maxLength: 4 }))
      .map(([type, list]) => nested(type, ...list)),
  );

  test('what is written is read back, each at a multiple of four bytes', () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 6 }), (list) => {
        const bytes = new Uint8Array(sizeOfAttributes(list));
        assert.equal(writeAttributes(bytes, 0, list), bytes.length);
        const read: [number, number][] = [];
        assert.ok(
          visitAttributes(new DataView(bytes.buffer), 0, bytes.length, (type, from, to) =>
            read.push([type, to - from]),
          ),
        );
        assert.deepEqual(
          read,
          list.map(({ type, value }) => [type, value instanceof Uint8Array ? value.length : sizeOfAttributes(value)]),
        );
      }),
    );
  });
});

describe('keys', () => {
  test('a key is its bytes, each field of a concatenation padded to four', () => {
    const layout = keyLayout(['inet_proto', 'inet_service']);
    assert.ok(layout !== null);
    assert.deepEqual([...(keyBytes(layout, [single(6), single(30001)])?.first ?? [])], [6, 0, 0, 0, 0x75, 0x31, 0, 0]);
    const one = keyLayout(['inet_service']);
    assert.ok(one !== null);
    assert.deepEqual([...(keyBytes(one, [single(30001)])?.first ?? [])], [0x75, 0x31]);
  });

  test('every key of every layout is read back from its bytes', () => {
    fc.assert(
      fc.property(aKey, ([types, key]) => {
        const layout = keyLayout(types);
        assert.ok(layout !== null);
        const bytes = keyBytes(layout, key);
        assert.ok(bytes !== null);
        assert.deepEqual(readKey(layout, bytes.first, bytes.last), key);
      }),
    );
  });

  for (const [what, types, key] of [
    ['a number too large for its type', ['inet_service'], [single(65536)]],
    ['a negative number', ['inet_service'], [single(-1)]],
    ['a field too few', ['inet_proto', 'inet_service'], [single(6)]],
    ['a name', ['inet_proto'], [{ kind: 'symbol', name: 'tcp' }]],
    ['a range that ends before it begins', ['inet_service'], [between(5, 4)]],
  ] as const)
    test(`${what} has no bytes`, () => {
      const layout = keyLayout(types);
      assert.ok(layout !== null);
      assert.equal(keyBytes(layout, key), null);
    });

  test('types that lie in the order of the machine have no layout', () => {
    for (const types of [['mark'], ['ipv4_addr', 'ifname'], [], ['unknown']] as const)
      assert.equal(keyLayout(types), null);
  });
});

describe('messages', () => {
  test('a list of any length comes in messages that each fit an attribute, and nothing of it is lost', () => {
    for (const [width, count] of [
      [4, 0],
      [4, 1],
      [4, 4095],
      [4, 4096],
      [4, 10_000],
      [16, 5000],
    ] as const) {
      const bytes = Uint8Array.from({ length: width * count }, (_, index) => (index * 31) & 0xff);
      const messages = changeKeys(PLACE, 'add', { width, bytes });
      const read = elementsOf(messages).flatMap(({ key }) => [...key]);
      assert.deepEqual(read, [...bytes]);
      for (const message of messages) assert.ok(sizeOfAttributes(message.attributes) < 0x10000 + 100);
    }
  });

  test('elements with ranges and verdicts are read back as they were', () => {
    fc.assert(
      fc.property(fc.array(anElement, { maxLength: 30 }), (elements) => {
        const messages = changeElements(PLACE, 'add', elements);
        assert.ok(messages !== null);
        assert.deepEqual(
          elementsOf(messages).map(({ key, last, verdict }) => ({ key, last, verdict })),
          elements.map(({ key, last, verdict }) => ({ key, last: last ?? null, verdict: verdict ?? null })),
        );
      }),
    );
  });

  test('a verdict that no map can hold gives no messages', () => {
    assert.equal(
      changeElements(PLACE, 'add', [{ key: new Uint8Array(4), verdict: { kind: 'reject', with: 'tcp-reset' } }]),
      null,
    );
  });

  test('a transaction begins with the generation that it expects, and its last message asks for the answer', () => {
    const messages = changeKeys(PLACE, 'add', { width: 4, bytes: new Uint8Array(8) });
    const batch = messagesOf(encodeBatch([...messages, ...messages], 7, 40));
    assert.ok(batch.ok);
    assert.deepEqual(
      batch.value.map(({ type, flags, sequence }) => [type, (flags & FLAG.acknowledge) !== 0, sequence]),
      [
        [beginBatch(7).type, false, 40],
        [messages[0]?.type, false, 41],
        [messages[0]?.type, true, 42],
        [endBatch.type, false, 43],
      ],
    );
  });
});

describe('answers', () => {
  const answer = (bytes: readonly number[], flags: number): Received => {
    const whole = new Uint8Array(HEADER.netlink + bytes.length);
    const view = new DataView(whole.buffer);
    view.setUint32(0, whole.length, true);
    view.setUint16(4, CONTROL.error, true);
    view.setUint16(6, flags, true);
    whole.set(bytes, HEADER.netlink);
    const read = messagesOf(whole);
    assert.ok(read.ok && read.value[0] !== undefined);
    return read.value[0];
  };
  const request = [20, 0, 0, 0, 12, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];

  test('an error has its number, the message that it is about, the kernel’s words and the place', () => {
    const offset = [8, 0, 2, 0, 20, 0, 0, 0];
    const words = [7, 0, 1, 0, 0x6e, 0x6f, 0, 0];
    const flags = FLAG.capped | FLAG.extendedAcknowledgement;
    assert.deepEqual(readAcknowledgement(answer([0xfe, 0xff, 0xff, 0xff, ...request, ...offset, ...words], flags)), {
      ok: true,
      value: { errno: 2, type: 0xa0c, sequence: 9, text: 'no', offset: 20 },
      warnings: [],
    });
  });

  test('an error that quotes more than there is, is none', () => {
    assert.equal(
      readAcknowledgement(answer([0xfe, 0xff, 0xff, 0xff, 0xff, ...request.slice(1)], FLAG.extendedAcknowledgement)).ok,
      false,
    );
    assert.equal(readAcknowledgement(answer([0, 0, 0, 0], 0)).ok, false);
  });
});

describe('hostile bytes', () => {
  const everyReader = (bytes: Uint8Array): void => {
    const messages = messagesOf(bytes);
    if (!messages.ok) return;
    const readCommit = commitReader();
    for (const message of messages.value) {
      readAcknowledgement(message);
      readGeneration(message);
      readObject(message);
      readCommit(message);
      visitElements(message, () => undefined);
    }
  };

  test('nothing that can arrive throws or goes on for ever', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), everyReader), { numRuns: 2000 });
  });

  test('neither does a real message of which bytes are changed', () => {
    const whole = fc
      .array(anElement, { maxLength: 5 })
      .map((elements) => encodeBatch(changeElements(PLACE, 'add', elements) ?? [], 5, 1));
    fc.assert(
      fc.property(
        whole,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
        (bytes, changes) => {
          const changed = bytes.slice();
          for (const [at, value] of changes) changed[at % changed.length] = value;
          everyReader(changed);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a message that is cut anywhere is an error, never a shorter list', () => {
    const message = changeElements(PLACE, 'add', [
      { key: new Uint8Array(8), verdict: { kind: 'goto', chain: 'x' } },
    ])?.[0];
    assert.ok(message !== undefined);
    const whole = encodeMessage(message, 1);
    for (let length = 1; length < whole.length; length += 1) {
      const cut = whole.slice(0, length);
      assert.equal(messagesOf(cut).ok, false, `cut to ${length}`);
      if (length < HEADER.both) continue;
      // The same with a header that claims no more than there is.
      new DataView(cut.buffer).setUint32(0, length, true);
      const messages = messagesOf(cut);
      assert.ok(messages.ok && messages.value[0] !== undefined);
      const read: ReadElement[] = [];
      const result = visitElements(messages.value[0], (element) => read.push(element));
      assert.ok(!result.ok || result.value === '' || read.length === 0, `an element out of ${length} bytes`);
    }
  });

  test('a text without its zero byte ends with its attribute', () => {
    const list = [text(1, 'own'), number32(2, 1)];
    const bytes = new Uint8Array(sizeOfAttributes(list));
    writeAttributes(bytes, 0, list);
    bytes[7] = 0x41;
    assert.ok(visitAttributes(new DataView(bytes.buffer), 0, bytes.length, () => undefined));
  });
});
