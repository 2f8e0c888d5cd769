import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { plainTable } from '../../test/support/plain-table.ts';
import { slowSets } from '../../test/support/slow-sets.ts';
import { anyAccess } from '../../test/support/random-access.ts';
import { guardsOf } from '../access/guard-of.ts';
import type { Access } from '../access/model.ts';
import { applyNftChanges } from '../change-ruleset/nft-change.ts';
import { applyTransaction } from '../compile/plan/apply-transaction.ts';
import { compileTable } from '../compile/table/compile-table.ts';
import { PREROUTING, TABLE, VIPS } from '../compile/table/names.ts';
import { printTransaction } from '../compile/plan/print-transaction.ts';
import { planChange } from '../compile/plan/plan-change.ts';
import type { Address } from '../net/address.ts';
import { ofFamily } from '../net/address-set.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import {
  difference,
  EVERY_ADDRESS,
  intersection,
  isEmpty,
  isSubset,
  NO_ADDRESS,
  union,
  type PrefixSet,
} from '../net/prefix-set.ts';
import type { Protocol } from '../net/protocol.ts';
import { readNftCommands } from '../parse/nft/nft-text.ts';
import { printNftTable } from '../print/nft-table.ts';
import { findNftTable, type Table } from '../ruleset/table.ts';
import { chainAsker } from './proof/ask-chain.ts';
import { chainReads, INCOMING } from './proof/chain-reads.ts';
import { placesOf } from './proof/own-table.ts';
import { prove } from './proof/proof.ts';

const OLD_TABLES = new URL('../../test/fixtures/own-tables/0.1.0.json', import.meta.url);

const allowedAt = (
  access: Access,
  protocol: Protocol,
  port: number,
  destination: Address | 'local',
  family: Family,
): PrefixSet => {
  const guard = guardsOf(access);
  // Every VIP may be an address of this node; where it is nothing by itself, it is a local address.
  const exposure = guard(protocol, port, destination) ?? guard(protocol, port, 'local');
  const selection = access.selections.get(exposure?.selection ?? '');
  return selection === undefined ? EVERY_ADDRESS[family] : ofFamily(selection.allowed, family);
};

/** Sources that a table surely lets in, and those that it may let in. */
const admittedBy = (
  table: Table,
  family: Family,
  protocol: Protocol,
  port: number,
  destination: Address | null,
): { must: PrefixSet; may: PrefixSet } => {
  let may = NO_ADDRESS[family];
  let mayNot = NO_ADDRESS[family];
  const address =
    destination?.value ?? chainReads(table, PREROUTING, INCOMING, new Set(Object.values(VIPS))).unnamed(family);
  const outcomes = chainAsker(table).incoming(PREROUTING, {
    family,
    protocol,
    port,
    address,
    type: 'local',
    seen: 'original',
    device: 'an interface that no rule names',
  });
  for (const { clients, verdict } of outcomes) {
    if (verdict === 'accept') may = union(may, clients);
    else mayNot = union(mayNot, clients);
  }
  return { must: difference(may, mayNot), may };
};

describe('laws', () => {
  test('2 and 5: the compiled table admits exactly whom the access allows, for every source at every port', () => {
    fc.assert(
      fc.property(anyAccess, (access) => {
        const { differences, holds } = prove(compileTable(access), access);
        assert.deepEqual(differences, []);
        assert.ok(holds);
      }),
      { numRuns: 120 },
    );
  });

  test('4: applying the planned change gives exactly the target', () => {
    fc.assert(
      fc.property(anyAccess, anyAccess, (before, after) => {
        const current = compileTable(before);
        const target = compileTable(after, current);
        const { stage, switch: switched, sweep } = planChange(current, target);
        const end = [...stage, ...switched, ...sweep].reduce<Table | null>(applyTransaction, current);
        assert.deepEqual(plainTable(end), plainTable(target));
        assert.deepEqual(prove(end, after).differences, []);
      }),
      { numRuns: 120 },
    );
  });

  test('4: a second plan after an apply has nothing to do', () => {
    fc.assert(
      fc.property(anyAccess, anyAccess, (before, after) => {
        const current = compileTable(before);
        const target = compileTable(after, current);
        const again = planChange(target, compileTable(after, target));
        assert.deepEqual(again, { stage: [], switch: [], sweep: [] });
      }),
      { numRuns: 80 },
    );
  });

  test('10: no table and no step to it has a set or map of intervals with one field alone', () => {
    fc.assert(
      fc.property(anyAccess, anyAccess, (before, after) => {
        const current = compileTable(before);
        assert.deepEqual([current, compileTable(after, current)].flatMap(slowSets), []);
      }),
      { numRuns: 120 },
    );
  });

  test('7: in every mixture of the states around a step, chain by chain and set by set, a source that both accesses refuse is refused and one that both allow is allowed', () => {
    fc.assert(
      fc.property(anyAccess, anyAccess, fc.infiniteStream(fc.boolean()), (before, after, coins) => {
        everyMixture(compileTable(before), allowedBy(before), after, () => coins.next().value === true);
      }),
      { numRuns: 60 },
    );
  });

  test('7 and 10: the same on the way from a table of the version before, whose sets of intervals are gone in the end', () => {
    const tables = JSON.parse(readFileSync(OLD_TABLES, 'utf8')) as readonly string[];
    const sets = tables.map((text) => {
      const { changes, problems } = readNftCommands(text, []);
      assert.deepEqual(problems, []);
      const old = findNftTable(applyNftChanges([], changes).tables, TABLE);
      assert.ok(old !== null);
      const [after] = fc.sample(anyAccess, { numRuns: 1 });
      assert.ok(after !== undefined);
      const coins = fc.sample(fc.infiniteStream(fc.boolean()), 1)[0];
      const allowed: Allowed = (protocol, port, destination, family) =>
        admittedBy(old, family, protocol, port, destination).may;
      const end = everyMixture(old, allowed, after, () => coins?.next().value === true);
      assert.deepEqual(prove(end, after).differences, []);
      assert.deepEqual(slowSets(end), []);
      return slowSets(old).length;
    });
    assert.ok(sets.every((count) => count > 0));
  });
});

/** Who may come in at a place. */
type Allowed = (protocol: Protocol, port: number, destination: Address | null, family: Family) => PrefixSet;

const allowedBy =
  (access: Access): Allowed =>
  (protocol, port, destination, family) =>
    allowedAt(access, protocol, port, destination ?? 'local', family);

const expectBetween = (
  mixed: Table,
  before: Allowed,
  after: Allowed,
  family: Family,
  protocol: Protocol,
  port: number,
  destination: Address | null,
  what: () => string,
): void => {
  const [old, fresh] = [before, after].map((allowed) => allowed(protocol, port, destination, family)) as [
    PrefixSet,
    PrefixSet,
  ];
  const { must, may } = admittedBy(mixed, family, protocol, port, destination);
  assert.ok(
    isSubset(intersection(old, fresh), must),
    isSubset(intersection(old, fresh), must) ? '' : `${protocol} ${port}: an allowed source is refused in ${what()}`,
  );
  assert.ok(
    isEmpty(difference(may, union(old, fresh))),
    isEmpty(difference(may, union(old, fresh))) ? '' : `${protocol} ${port}: a refused source is admitted in ${what()}`,
  );
};

/**
 * Goes from a table to that of an access, and looks at mixtures of the states around each step. Gives the table at the
 * end.
 */
const everyMixture = (start: Table, before: Allowed, after: Access, coin: () => boolean): Table => {
  const { stage, switch: switched, sweep } = planChange(start, compileTable(after, start));
  const steps = [...stage, ...switched, ...sweep];
  let now: Table = start;
  for (const step of steps) {
    const next = applyTransaction(now, step);
    assert.ok(next !== null);
    const what = () =>
      `step ${steps.indexOf(step) + 1} of ${steps.length} (${stage.length} staged, ${switched.length} switched)\n${steps.map(printTransaction).join('---\n')}\nFROM\n${printNftTable(start)}`;
    const wanted = allowedBy(after);
    for (let round = 0; round < 4; round++) {
      const mixed = mixture(now, next, coin);
      for (const [protocol, ports] of placesOf(mixed, after).ports)
        for (const port of ports.filter((p) => p > 29_990 && p < 30_030))
          for (const family of FAMILIES) expectBetween(mixed, before, wanted, family, protocol, port, null, what);
      for (const { address, protocol, port } of placesOf(mixed, after).vips)
        expectBetween(mixed, before, wanted, address.family, protocol, port, address, what);
    }
    now = next;
  }
  return now;
};

/** Each chain, and each element of each set, as it is in one of the two states. */
const mixture = (before: Table, after: Table, coin: () => boolean): Table => ({
  ...after,
  chains: new Map(
    [...before.chains, ...after.chains].map(([name]) => {
      const [old, fresh] = [before.chains.get(name), after.chains.get(name)];
      const chosen = old === undefined || fresh === undefined ? (old ?? fresh) : coin() ? old : fresh;
      if (chosen === undefined) throw new Error('no chain');
      return [name, chosen];
    }),
  ),
  sets: new Map(
    [...before.sets, ...after.sets].map(([name]) => {
      const [old, fresh] = [before.sets.get(name), after.sets.get(name)];
      const chosen = old === undefined || fresh === undefined ? (old ?? fresh) : coin() ? old : fresh;
      if (chosen === undefined) throw new Error('no set');
      return [name, chosen];
    }),
  ),
});
