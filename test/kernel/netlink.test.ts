import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { followCommits } from '../../src/kernel/netlink-follow.ts';
import { ERRNO, openNetlink, type Netlink } from '../../src/kernel/netlink-socket.ts';
import type { FollowedCommit } from '../../src/netlink/commits.ts';
import { askElement, askElements, changeElements, changeKeys, type Element } from '../../src/netlink/elements.ts';
import { nextGeneration } from '../../src/netlink/generation.ts';
import { keyBytes, keyLayout, readKey, type KeyLayout } from '../../src/netlink/key-bytes.ts';
import type { Message } from '../../src/netlink/message.ts';
import {
  askChains,
  askFlowtables,
  askSets,
  askTables,
  readObject,
  type ListedObject,
} from '../../src/netlink/objects.ts';
import { visitElements } from '../../src/netlink/read-elements.ts';
import { parseNftJson } from '../../src/parse/nft/nft-json.ts';
import { between, single, valueText, type DataType, type Value } from '../../src/ruleset/values/data-type.ts';
import type { NamedSet } from '../../src/ruleset/table.ts';
import type { Verdict } from '../../src/ruleset/values/verdict.ts';
import { inNamespace } from '../support/enter-namespace.ts';
import { makeNamespace, noKernel, removeNamespace } from '../support/namespace.ts';

const NAMESPACE = 'pclab-netlink';

const nft = (argv: readonly string[], input = ''): string =>
  execFileSync('ip', ['netns', 'exec', NAMESPACE, 'nft', ...argv], { input, encoding: 'utf8', maxBuffer: 1 << 28 });

/** Sets and maps of every form that a table of ours has. */
const FORMS: readonly (readonly [name: string, types: readonly DataType[], form: string])[] = [
  ['v4', ['ipv4_addr'], 'set v4 { type ipv4_addr; size 20000; }'],
  ['v6', ['ipv6_addr'], 'set v6 { type ipv6_addr; size 20000; }'],
  ['keys', ['inet_proto', 'inet_service'], 'map keys { type inet_proto . inet_service : verdict; counter; }'],
  [
    'vips4',
    ['ipv4_addr', 'inet_proto', 'inet_service'],
    'map vips4 { type ipv4_addr . inet_proto . inet_service : verdict; counter; }',
  ],
  [
    'vips6',
    ['ipv6_addr', 'inet_proto', 'inet_service'],
    'map vips6 { type ipv6_addr . inet_proto . inet_service : verdict; counter; }',
  ],
  [
    'ranges',
    ['inet_proto', 'inet_service'],
    'map ranges { type inet_proto . inet_service : verdict; flags interval; counter; }',
  ],
];
const CHAINS = ['x-30001', 's-web', 't-web'];

const isMap = (form: string): boolean => form.startsWith('map');
const TABLE = `table inet portcullis {
${CHAINS.map((chain) => `chain ${chain} { }`).join('\n')}
${FORMS.map(([, , form]) => form).join('\n')}
chain prerouting { type filter hook prerouting priority -140; }
}
`;

const placeOf = (set: string) => ({ family: 'inet', table: 'portcullis', set }) as const;

const layoutOf = (types: readonly DataType[]): KeyLayout => {
  const layout = keyLayout(types);
  assert.ok(layout !== null);
  return layout;
};

const listed = (): ReadonlyMap<string, NamedSet> => {
  const read = parseNftJson(nft(['-j', 'list', 'table', 'inet', 'portcullis']));
  assert.ok(read.ok);
  const [table] = read.value;
  assert.ok(table !== undefined);
  return table.sets;
};

const verdictText = (verdict: Verdict | null): string =>
  verdict === null ? '' : ` : ${verdict.kind}${'chain' in verdict ? ` ${verdict.chain}` : ''}`;
const keyLine = (key: readonly Value[], verdict: Verdict | null): string =>
  `${key.map(valueText).join(' . ')}${verdictText(verdict)}`;

/** What nft lists of a set, a line for each element, sorted. */
const nftLines = (set: NamedSet | undefined): readonly string[] => {
  switch (set?.kind) {
    case 'addresses':
      return set.intervals.map(({ first, last }) => keyLine([between(first, last)], null)).toSorted();
    case 'elements':
      return set.elements.map((key) => keyLine(key, null)).toSorted();
    case 'verdict-map':
      return set.elements.map(({ key, verdict }) => keyLine(key, verdict)).toSorted();
    default:
      throw new Error(`no such set: ${set?.kind}`);
  }
};

/** The same, dumped by netlink. */
const dumpedLines = (netlink: Netlink, name: string, types: readonly DataType[]): readonly string[] => {
  const layout = layoutOf(types);
  const lines: string[] = [];
  const dumped = netlink.dump(askElements(placeOf(name)), (message) => {
    const read = visitElements(message, ({ key, last, verdict }) => {
      const values = readKey(layout, key, last ?? key);
      assert.ok(values !== null);
      lines.push(keyLine(values, verdict));
    });
    assert.ok(read.ok);
  });
  assert.equal(dumped.kind, 'whole');
  return lines.toSorted();
};

const BITS: Partial<Record<DataType, number>> = { ipv4_addr: 32, ipv6_addr: 128, inet_service: 16 };
const aVerdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom<Verdict>({ kind: 'accept' }, { kind: 'drop' }, { kind: 'return' }, { kind: 'continue' }),
  fc
    .tuple(fc.constantFrom('goto' as const, 'jump' as const), fc.constantFrom(...CHAINS))
    .map(([kind, chain]) => ({ kind, chain })),
);

const aProtocol = fc.constantFrom(6n, 17n, 132n);
const aNumber = (type: DataType): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: 0n, max: (1n << BigInt(BITS[type] ?? 0)) - 1n });

/** Keys of a form; port ranges that do not overlap where it takes ranges. */
const someKeys = (name: string, types: readonly DataType[]): fc.Arbitrary<readonly (readonly Value[])[]> =>
  name === 'ranges'
    ? fc
        .tuple(aProtocol, fc.uniqueArray(fc.integer({ min: 1, max: 65535 }), { maxLength: 12 }))
        .map(([protocol, ports]) => {
          const sorted = ports.toSorted((a, b) => a - b);
          return sorted.flatMap((first, index) =>
            index % 2 === 0 ? [[single(protocol), between(first, sorted[index + 1] ?? first)]] : [],
          );
        })
    : fc.uniqueArray(
        fc.tuple(
          ...types.map((type) => (type === 'inet_proto' ? aProtocol : aNumber(type)).map((value) => single(value))),
        ),
        { maxLength: 40, selector: (key) => keyLine(key, null) },
      );

const elementOf = (layout: KeyLayout, key: readonly Value[], verdict: Verdict | null): Element => {
  const bytes = keyBytes(layout, key);
  assert.ok(bytes !== null);
  return {
    key: bytes.first,
    ...(bytes.isRange ? { last: bytes.last } : {}),
    ...(verdict === null ? {} : { verdict }),
  };
};

const messagesFor = (name: string, change: 'add' | 'delete', elements: readonly Element[]): readonly Message[] => {
  const messages = changeElements(placeOf(name), change, elements);
  assert.ok(messages !== null);
  return messages;
};

const address = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
const addAddress = (value: number, set = 'v4'): readonly Message[] =>
  changeKeys(placeOf(set), 'add', { width: 4, bytes: address(value) });
const deleteAddress = (value: number): readonly Message[] =>
  changeKeys(placeOf('v4'), 'delete', { width: 4, bytes: address(value) });

const generationOf = (netlink: Netlink): number => {
  const read = netlink.generation();
  assert.ok(read.ok);
  return read.value;
};

const has = (netlink: Netlink, value: number): boolean => {
  const answer = netlink.ask(askElement(placeOf('v4'), { key: address(value) }));
  assert.ok(answer.ok);
  if ('view' in answer.value) return true;
  assert.equal(answer.value.errno, ERRNO.missing);
  return false;
};

describe('elements by netlink', { skip: noKernel }, () => {
  let netlink: Netlink;
  before(async () => {
    await makeNamespace(NAMESPACE);
    const opened = inNamespace(NAMESPACE, () => openNetlink());
    assert.ok(opened.ok, JSON.stringify(opened));
    netlink = opened.value;
  });
  after(async () => {
    netlink?.close();
    await removeNamespace(NAMESPACE);
  });
  const renew = (): void => void nft(['-f', '-'], `flush ruleset\n${TABLE}`);

  for (const [name, types, form] of FORMS)
    test(`${form}: what goes in by netlink nft lists as meant, and netlink reads back the same`, () => {
      const layout = layoutOf(types);
      const elements = someKeys(name, types).chain((keys) =>
        fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), isMap(form) ? aVerdict : fc.constant(null)))),
      );
      fc.assert(
        fc.property(elements, (list) => {
          renew();
          if (list.length === 0) return;
          const added = messagesFor(
            name,
            'add',
            list.map(([key, verdict]) => elementOf(layout, key, verdict)),
          );
          assert.deepEqual(netlink.commit(added, null), { kind: 'committed', generation: null });
          const wanted = list.map(([key, verdict]) => keyLine(key, verdict)).toSorted();
          assert.deepEqual(nftLines(listed().get(name)), wanted);
          assert.deepEqual(dumpedLines(netlink, name, types), wanted);
          const [first, ...rest] = list;
          assert.ok(first !== undefined);
          const gone = messagesFor(name, 'delete', [elementOf(layout, first[0], null)]);
          assert.equal(netlink.commit(gone, null).kind, 'committed');
          assert.deepEqual(
            nftLines(listed().get(name)),
            rest.map(([key, verdict]) => keyLine(key, verdict)).toSorted(),
          );
        }),
        { numRuns: 15 },
      );
    });

  test('what nft puts in, its ranges included, netlink reads as nft’s JSON does', () => {
    renew();
    nft(
      ['-f', '-'],
      `add element inet portcullis keys { tcp . 30001 : goto x-30001, udp . 53 : drop }
add element inet portcullis ranges { tcp . 30002-30999 : goto s-web, udp . 7 : jump t-web }
add element inet portcullis vips6 { 2001:db8::1 . tcp . 443 : goto x-30001 }
add element inet portcullis v6 { 2001:db8::, :: }`,
    );
    for (const [name, types] of FORMS)
      assert.deepEqual(dumpedLines(netlink, name, types), nftLines(listed().get(name)));
  });

  test('elements of several sets come in one commit, or none of them', () => {
    renew();
    const before = generationOf(netlink);
    const missing = addAddress(7, 'nowhere');
    const refused = netlink.commit([...addAddress(1), ...missing, ...addAddress(2)], before);
    assert.deepEqual({ ...refused, text: '' }, { kind: 'refused', errno: ERRNO.missing, at: 1, text: '' });
    assert.equal(generationOf(netlink), before);
    assert.equal(has(netlink, 1), false);
    assert.deepEqual(netlink.commit([...addAddress(1), ...addAddress(2)], before), {
      kind: 'committed',
      generation: nextGeneration(before),
    });
    assert.ok(has(netlink, 1) && has(netlink, 2));
  });

  test('a commit of somebody else in between refuses what was proven before it, and changes nothing', () => {
    renew();
    const before = generationOf(netlink);
    nft(['add', 'table', 'ip', 'other']);
    assert.deepEqual(netlink.commit(addAddress(1), before), { kind: 'stale' });
    assert.equal(has(netlink, 1), false);
    assert.equal(netlink.commit(addAddress(1), generationOf(netlink)).kind, 'committed');
  });

  for (const [what, change, errno] of [
    ['deleting an element that is not there', () => deleteAddress(9), ERRNO.missing],
    ['adding to a set that is not there', () => addAddress(9, 'nowhere'), ERRNO.missing],
    [
      'a verdict to a chain that is not there',
      () =>
        messagesFor('keys', 'add', [
          elementOf(layoutOf(['inet_proto', 'inet_service']), [single(6), single(1)], {
            kind: 'goto',
            chain: 'nowhere',
          }),
        ]),
      ERRNO.missing,
    ],
    [
      'more than a set’s size',
      () => changeKeys(placeOf('v4'), 'add', { width: 4, bytes: manyAddresses(20_001) }),
      ERRNO.full,
    ],
  ] as const)
    test(`${what} is refused, and nothing changes`, () => {
      renew();
      const before = generationOf(netlink);
      const refused = netlink.commit(change(), before);
      assert.equal(refused.kind, 'refused');
      assert.equal(refused.kind === 'refused' && refused.errno, errno);
      assert.equal(generationOf(netlink), before);
    });

  test('an element that is there already is no error, and goes once', () => {
    renew();
    assert.equal(netlink.commit(addAddress(5), null).kind, 'committed');
    assert.equal(netlink.commit(addAddress(5), null).kind, 'committed');
    assert.equal(netlink.commit(deleteAddress(5), null).kind, 'committed');
    assert.equal(has(netlink, 5), false);
  });

  test('tables, chains with their hooks and sets of everybody are read', () => {
    renew();
    nft(
      ['-f', '-'],
      `table ip other {
  flags dormant
  set few { type ipv4_addr; flags interval; }
  chain early { type filter hook prerouting priority -300; policy drop; }
}`,
    );
    const read = (question: Message): readonly ListedObject['object'][] => {
      const objects: ListedObject['object'][] = [];
      const dumped = netlink.dump(question, (message) => {
        const object = readObject(message);
        assert.ok(object.ok);
        if (object.value !== null) objects.push(object.value.object);
      });
      assert.equal(dumped.kind, 'whole');
      return objects;
    };
    assert.deepEqual(
      read(askTables).map(({ family, name, ...rest }) => [family, name, 'isDormant' in rest && rest.isDormant]),
      [
        ['inet', 'portcullis', false],
        ['ip', 'other', true],
      ],
    );
    assert.deepEqual(
      read(askChains).filter((chain) => 'hook' in chain && chain.hook !== null),
      [
        {
          family: 'inet',
          table: 'portcullis',
          name: 'prerouting',
          type: 'filter',
          hook: { number: 0, priority: -140, devices: [] },
          policy: 1,
        },
        {
          family: 'ip',
          table: 'other',
          name: 'early',
          type: 'filter',
          hook: { number: 0, priority: -300, devices: [] },
          policy: 0,
        },
      ],
    );
    assert.deepEqual(read(askFlowtables), []);
    assert.deepEqual(
      read(askSets('ip', 'other')).map((set) => 'isInterval' in set && [set.name, set.isInterval, set.isConcatenation]),
      [['few', true, false]],
    );
  });

  test('every commit of anybody is told, with its number, its writer and the tables that it has written', async () => {
    renew();
    const commits: FollowedCommit[] = [];
    const lost: string[] = [];
    const following = inNamespace(NAMESPACE, () =>
      followCommits({ onCommit: (commit) => commits.push(commit), onLost: (why) => lost.push(why) }),
    );
    assert.ok(following.ok);
    try {
      const first = generationOf(netlink);
      assert.equal(netlink.commit(addAddress(1), first).kind, 'committed');
      nft(['add', 'table', 'ip', 'other']);
      nft(['add', 'element', 'inet', 'portcullis', 'v4', '{ 192.0.2.1 }']);
      for (let tries = 0; commits.length < 3 && tries < 100; tries += 1) await pause(20);
      assert.deepEqual(
        commits.map(({ generation, tables }) => [
          generation - first,
          ...tables.map(({ family, table }) => `${family} ${table}`),
        ]),
        [
          [1, 'inet portcullis'],
          [2, 'ip other'],
          [3, 'inet portcullis'],
        ],
      );
      assert.equal(commits[1]?.name, 'nft');
      assert.deepEqual(lost, []);
    } finally {
      following.value.close();
    }
  });

  test('against others who commit as fast as they can nothing is lost and nothing is done twice', async () => {
    renew();
    const script = 'i=0; while [ $i -lt 60 ]; do nft add table ip busy; nft delete table ip busy; i=$((i+1)); done';
    const others = ['', ''].map(() =>
      spawn('ip', ['netns', 'exec', NAMESPACE, 'sh', '-c', script], { stdio: 'ignore' }),
    );
    const ended = Promise.all(others.map((child) => new Promise((resolve) => child.on('exit', resolve))));
    const isOver = { yet: false };
    void ended.then(() => (isOver.yet = true));
    let [changes, refused] = [0, 0];
    while (!isOver.yet) {
      for (let index = 0; index < 200; index += 1) {
        const value = 0x0a00_0000 + changes;
        const expected = generationOf(netlink);
        const done = netlink.commit(addAddress(value), expected);
        if (done.kind === 'stale') {
          refused += 1;
          assert.equal(has(netlink, value), false);
          continue;
        }
        assert.deepEqual(done, { kind: 'committed', generation: nextGeneration(expected) });
        assert.ok(has(netlink, value));
        changes += 1;
        if (changes % 100 === 0) renewKeys(netlink);
      }
      await pause(1);
    }
    assert.ok(changes > 100, `${changes} changes, ${refused} refused`);
    assert.equal(dumpedLines(netlink, 'v4', ['ipv4_addr']).length, changes % 100);
  });
});

/** Empties the set again, so that its size is not reached. */
const renewKeys = (netlink: Netlink): void => {
  const bytes: number[] = [];
  netlink.dump(askElements(placeOf('v4')), (message) => visitElements(message, ({ key }) => bytes.push(...key)));
  assert.equal(
    netlink.commit(changeKeys(placeOf('v4'), 'delete', { width: 4, bytes: Uint8Array.from(bytes) }), null).kind,
    'committed',
  );
};

const manyAddresses = (count: number): Uint8Array => {
  const bytes = new Uint8Array(4 * count);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < count; index += 1) view.setUint32(4 * index, 0x0a00_0000 + index);
  return bytes;
};
