import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeNamespace, noKernel, removeNamespace, type Namespace } from '../support/namespace.ts';

const NAME = 'pclab-enforce';
const PROGRAM = fileURLToPath(new URL('../support/enforce-changes.ts', import.meta.url));

interface Told {
  readonly results: readonly {
    readonly name: string;
    readonly holds: boolean;
    readonly reallyHolds: boolean;
    readonly believed: boolean;
    readonly transactions: number;
    readonly bytes: number;
  }[];
  /** The programs whose writes to the own table it has told of. */
  readonly foreign: { readonly before: readonly string[]; readonly after: readonly string[] };
  /** Transactions that would still sweep something. */
  readonly superfluous: number;
  readonly problems: unknown;
  readonly local: readonly string[];
  readonly removed: boolean;
  readonly left: unknown;
}

describe('a process that goes on running knows what the kernel holds', { skip: noKernel }, () => {
  let node: Namespace;
  let told: Told;
  before(async () => {
    node = await makeNamespace(NAME);
    for (const words of [
      'link set lo up',
      'link add eth0 type veth peer name peer0',
      'address add 192.0.2.10/24 dev eth0',
      'address add 2001:db8::10/64 dev eth0 nodad',
      'link set eth0 up',
      'link set peer0 up',
      'route add local 198.51.100.0/24 dev lo',
    ])
      await node.run(['ip', ...words.split(' ')]);
    told = JSON.parse(await node.run([process.execPath, PROGRAM])) as Told;
  });
  after(() => removeNamespace(NAME));

  test('after each change what it proves and believes is what the whole listing says', () => {
    for (const { name, holds, reallyHolds, believed } of told.results)
      assert.deepEqual(
        { name, holds, reallyHolds, believed },
        { name, holds: true, reallyHolds: true, believed: true },
      );
    assert.equal(told.results.length, 13);
  });

  test('what is in force already takes no transaction; a prefix more, narrower or less takes a rule in front of the sets, in one transaction', () => {
    const count = new Map(told.results.map(({ name, transactions }) => [name, transactions]));
    assert.equal(count.get('the same again'), 0);
    const wanted = new Map([
      ['one prefix more', 1],
      ['one prefix narrowed', 1],
      ['one prefix less', 1],
      ['one of the many less', 1],
      ['and another', 1],
      ['both again', 1],
    ]);
    assert.deepEqual(new Map([...count].filter(([name]) => wanted.has(name))), wanted);
    for (const { name, bytes } of told.results) if (wanted.has(name)) assert.ok(bytes < 500, `${name}: ${bytes} bytes`);
  });

  test('it tells who else has written its table, of nobody else, and never takes its own writing for that of others', () => {
    assert.deepEqual(told.foreign, { before: [], after: ['nft', 'nft'] });
    assert.equal(told.problems, null);
  });

  test('after many changes without a rest nothing superfluous is left', () => assert.equal(told.superfluous, 0));

  test('its own addresses are those of its interfaces and all that its routes deliver to itself', () =>
    assert.deepEqual(told.local, ['127.0.0.9', '192.0.2.10', '2001:db8::10', '198.51.100.7']));

  test('removal takes the table away', () => assert.deepEqual([told.removed, told.left], [true, null]));
});
