import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emptyTable, type Chain, type Table } from '../../ruleset/table.ts';
import { leftoversAfter, oldestOf, sweepOf } from './leftovers.ts';

const tableWith = (...chains: readonly string[]): Table => ({
  ...emptyTable('inet', 'portcullis'),
  chains: new Map(chains.map((name): [string, Chain] => [name, { name, base: null, rules: [] }])),
});

const deleted = (...args: Parameters<typeof sweepOf>): readonly string[] =>
  sweepOf(...args).flatMap(({ operations }) =>
    operations.flatMap((operation) => (operation.kind === 'delete-chain' ? [operation.name] : [])),
  );

describe('what is left over in the table', () => {
  const first = leftoversAfter(new Map(), tableWith('a', 'b', 'old'), tableWith('a', 'b'), 100);
  const second = leftoversAfter(first, tableWith('a', 'b', 'old', 'c'), tableWith('a', 'c'), 700);

  test('is what the compiled table does not have, since the change that let go of it', () => {
    assert.deepEqual([...first], [['chains old', 100]]);
    assert.deepEqual(
      second,
      new Map([
        ['chains old', 100],
        ['chains b', 700],
      ]),
    );
    assert.deepEqual([oldestOf(second), oldestOf(new Map())], [100, null]);
  });

  test('and comes into use again is left over no more', () =>
    assert.deepEqual([...leftoversAfter(second, tableWith('a', 'b', 'c'), tableWith('a', 'b', 'c'), 900)], []));

  const current = tableWith('a', 'b', 'old', 'c');
  const cases: [until: number, gone: readonly string[]][] = [
    [99, []],
    [100, ['old']],
    [699, ['old']],
    [700, ['b', 'old']],
  ];
  for (const [until, gone] of cases)
    test(`swept up to ${until}: ${gone.join(', ') || 'nothing'}`, () =>
      assert.deepEqual([...deleted(second, current, tableWith('a', 'c'), until)].sort(), gone));
});
