import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Access } from '../../src/access/model.ts';
import { prove } from '../../src/audit/proof/proof.ts';
import { compileTable } from '../../src/compile/table/compile-table.ts';
import { planChange } from '../../src/compile/plan/plan-change.ts';
import { printTable, printTransaction } from '../../src/compile/plan/print-transaction.ts';
import type { ReplyPlace } from '../../src/compile/table/replies.ts';
import { parseNftJson } from '../../src/parse/nft/nft-json.ts';
import type { Table } from '../../src/ruleset/table.ts';
import { makeNamespace, noKernel, removeNamespace, type Namespace } from '../support/namespace.ts';
import { plainTable } from '../support/plain-table.ts';
import { slowSets } from '../support/slow-sets.ts';
import { anyAccess } from '../support/random-access.ts';

const NAME = 'pclab-own-table';

describe('the kernel and the model of the own table', { skip: noKernel }, () => {
  let node: Namespace;
  before(async () => {
    node = await makeNamespace(NAME);
  });
  after(() => removeNamespace(NAME));

  const load = (text: string) => node.run(['nft', '-f', '-'], text);
  const list = async (): Promise<Table | null> => {
    const parsed = parseNftJson(await node.run(['nft', '-j', 'list', 'tables']));
    if (parsed.ok && parsed.value.length === 0) return null;
    const listed = parseNftJson(await node.run(['nft', '-j', 'list', 'table', 'inet', 'portcullis']));
    assert.ok(listed.ok);
    assert.deepEqual(listed.warnings, []);
    return listed.value[0] ?? null;
  };
  const empty = async () => {
    if ((await list()) !== null) await load('delete table inet portcullis\n');
  };
  /** A place of replies for each guarded exact exposure, so that those chains are in the table too. */
  const everyReply = ({ exposures }: Access): readonly ReplyPlace[] =>
    exposures
      .filter(({ selection, ports }) => selection !== null && ports.first === ports.last)
      .map(({ address, protocol, ports }) => ({ address, protocol, port: ports.first }));

  test('1, 5 and 10: what the kernel lists of a loaded table reads back as that table, proves the access, and slows no other nft', async () => {
    await fc.assert(
      fc.asyncProperty(anyAccess, fc.boolean(), async (access, withReplies) => {
        await empty();
        const table = compileTable(access, null, withReplies ? { replies: everyReply(access) } : {});
        await load(printTable(table));
        const listed = await list();
        assert.deepEqual(plainTable(listed), plainTable(table));
        assert.deepEqual(prove(listed, access).differences, []);
        assert.deepEqual(listed === null ? null : slowSets(listed), []);
      }),
      { numRuns: 15 },
    );
  });

  test('4 and 5: a change, taken by the kernel step by step, ends in its target, is proven, and leaves nothing to do', async () => {
    await empty();
    let current: Table | null = null;
    await fc.assert(
      fc.asyncProperty(anyAccess, async (access) => {
        const target = compileTable(access, current, { replies: everyReply(access) });
        const { stage, switch: switched, sweep } = planChange(current, target);
        for (const transaction of [...stage, ...switched, ...sweep]) await load(printTransaction(transaction));
        current = await list();
        assert.deepEqual(plainTable(current), plainTable(target));
        assert.deepEqual(prove(current, access).differences, []);
        const again = compileTable(access, current, { replies: everyReply(access) });
        assert.deepEqual(planChange(current, again), { stage: [], switch: [], sweep: [] });
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });

  test('removal leaves no table', async () => {
    const { stage, switch: switched, sweep } = planChange(await list(), null);
    for (const transaction of [...stage, ...switched, ...sweep]) await load(printTransaction(transaction));
    assert.equal(await list(), null);
  });
});
