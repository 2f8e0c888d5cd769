import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyAccess } from '../../../test/support/random-access.ts';
import { accessOf, addresses, exposed, selection } from '../../../test/support/small-access.ts';
import type { Access } from '../../access/model.ts';
import { addressComplement, addressSet, addressUnion, nobody, type AddressSet } from '../../net/address-set.ts';
import { keyText } from '../../ruleset/values/map-element.ts';
import type { Table } from '../../ruleset/table.ts';
import { applyTransaction } from './apply-transaction.ts';
import { compileTable, type CompileOptions } from '../table/compile-table.ts';
import { planChange } from './plan-change.ts';
import { printTransaction } from './print-transaction.ts';
import { touchedBy } from './touched.ts';
import type { Change, Operation, Transaction } from './transaction.ts';

const change = (before: Access, after: Access): Change & { readonly current: Table } => {
  const current = compileTable(before);
  return { current, ...planChange(current, compileTable(after, current)) };
};
const texts = ({ stage, switch: switched }: Change): readonly string[] =>
  [...stage, ...switched].map((transaction) => printTransaction(transaction).replaceAll(' inet portcullis', ''));
const operations = (transactions: readonly Transaction[]): readonly Operation[] =>
  transactions.flatMap((transaction) => transaction.operations);

const web = (allowed: AddressSet): Access => accessOf([exposed('30001/tcp', 'web')], [selection('web', allowed)]);

const many = (count: number): AddressSet =>
  addressSet(
    Array.from({ length: count }, (_, index) => ({
      family: 4,
      address: 0x0a00_0000n + (BigInt(index) << 8n),
      length: 25,
    })),
  );

/** `192.0.2.0`, `192.0.4.0`, …: networks of 24 bits that do not touch. */
const nets = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `192.0.${2 * index}.0`);
const of = (list: readonly string[]): AddressSet => addresses(...list.map((net) => `${net}/24`));
const set24 = (name: string, list: readonly string[]): string =>
  `add set ${name} { type ipv4_addr; size 16; elements = { ${list.join(', ')} }; }`;
const look24 = (name: string, verdict = 'accept'): string =>
  `add rule s-web ip saddr & 255.255.255.0 @${name} ${verdict}`;

describe('a change of addresses', () => {
  const net = addresses('203.0.113.0/24');
  const cases: readonly (readonly [words: string, before: AddressSet, after: AddressSet, text: readonly string[]])[] = [
    ['nothing changes: nothing is sent', of(nets(5)), of(nets(5)), []],
    [
      'a second network is a second rule',
      net,
      addressUnion(net, addresses('10.0.0.0/8')),
      [
        'flush chain s-web',
        'add rule s-web ip saddr 10.0.0.0/8 accept',
        'add rule s-web ip saddr 203.0.113.0/24 accept',
      ],
    ],
    [
      'a network more: a new set, and a chain that looks into it instead',
      of(nets(5)),
      of(nets(6)),
      [set24('s-web-4a24.2', nets(6)), 'flush chain s-web', look24('s-web-4a24.2')],
    ],
    ['a network less, the last one', net, nobody, ['flush chain s-web']],
    [
      'a smaller network',
      net,
      addresses('203.0.113.0/25'),
      ['flush chain s-web', 'add rule s-web ip saddr 203.0.113.0/25 accept'],
    ],
    [
      'the other family',
      of(nets(5)),
      addressUnion(of(nets(5)), addresses('2001:db8::/32')),
      ['flush chain s-web', look24('s-web-4a24'), 'add rule s-web ip6 saddr 2001:db8::/32 accept'],
    ],
    [
      'a network more beside many others: a rule in front of theirs',
      many(300),
      addressUnion(many(300), net),
      [
        'flush chain s-web',
        'add rule s-web ip saddr 203.0.113.0/24 accept',
        'add rule s-web ip saddr & 255.255.255.128 @s-web-4a25 accept',
      ],
    ],
    [
      'a few more beside many others: a small set in front of theirs',
      many(300),
      addressUnion(many(300), of(nets(5))),
      [
        set24('s-web-4b24', nets(5)),
        'flush chain s-web',
        look24('s-web-4b24'),
        'add rule s-web ip saddr & 255.255.255.128 @s-web-4a25 accept',
      ],
    ],
    [
      'a network less beside many others',
      addressUnion(many(300), addresses('203.0.113.0/25')),
      many(300),
      [
        'flush chain s-web',
        'add rule s-web ip saddr 203.0.113.0/25 return',
        'add rule s-web ip saddr & 255.255.255.128 @s-web-4a25 accept',
      ],
    ],
    [
      'one more is refused where everybody else may come in',
      addressComplement(of(nets(5))),
      addressComplement(of(nets(6))),
      [
        set24('s-web-4a24.2', nets(6)),
        'flush chain s-web',
        look24('s-web-4a24.2', 'return'),
        'add rule s-web meta nfproto ipv4 accept',
        'add rule s-web meta nfproto ipv6 accept',
      ],
    ],
  ];
  for (const [words, before, after, text] of cases)
    test(words, () => {
      const planned = change(web(before), web(after));
      const lines = texts(planned).flatMap((one) => one.trimEnd().split('\n'));
      assert.deepEqual(lines, text);
      assert.equal(planned.switch.length, text.length === 0 ? 0 : 1, 'one transaction switches');
    });

  test('a new set is staged, for kernels may make its intervals visible only at the end of its transaction', () => {
    const { stage, switch: switched } = change(web(net), web(many(20)));
    assert.deepEqual(
      [stage, switched].map((list) => list.map((one) => one.operations.map(({ kind }) => kind))),
      [[['add-set']], [['replace-rules']]],
    );
  });

  test('has the same size with 1,000 and with 10,000 other networks', () => {
    const sizes = (count: number) => {
      const [base, extra] = [many(count), addresses('203.0.113.0/24')];
      const more = addressUnion(base, extra);
      const narrow = addressUnion(base, addresses('203.0.113.0/25'));
      return [
        [base, more],
        [more, base],
        [more, narrow],
      ].map(([before = nobody, after = nobody]) =>
        [...texts(change(web(before), web(after)))].map((text) => text.length),
      );
    };
    assert.deepEqual(sizes(10_000), sizes(1000));
  });

  test('has the same size whether 1 or 1,000 exposures use the selection', () => {
    const shared = (ports: number, allowed: AddressSet): Access =>
      accessOf(
        Array.from({ length: ports }, (_, index) => exposed(`${30_001 + index}/tcp`, 'web')),
        [selection('web', allowed)],
      );
    const text = (ports: number) => texts(change(shared(ports, net), shared(ports, addresses('203.0.113.0/25'))));
    assert.deepEqual(text(1000), text(1));
  });
});

describe('a change of exposures', () => {
  const [office, all] = [
    addresses('198.51.100.0/28', '198.51.100.32/28', '198.51.100.64/28'),
    addresses('0.0.0.0/0', '::/0'),
  ];
  const both = [selection('web', office), selection('shut', nobody)];

  test('another selection: its objects are staged, one chain is switched, the old objects are swept', () => {
    const planned = change(
      accessOf([exposed('30001/tcp', 'web')], both.slice(0, 1)),
      accessOf([exposed('30001/tcp', 'shut')], both.slice(1)),
    );
    const text = (list: readonly Transaction[]) =>
      list.map((one) => printTransaction(one).replaceAll(' inet portcullis', '').trimEnd().split('\n'));
    assert.deepEqual(text(planned.stage), [['add chain s-shut']]);
    assert.deepEqual(text(planned.switch), [
      [
        'flush chain x-30001',
        'add rule x-30001 jump s-shut',
        'add rule x-30001 fib daddr type unicast return',
        'add rule x-30001 counter goto refuse-drop',
      ],
    ]);
    assert.deepEqual(text(planned.sweep), [['flush chain s-web', 'delete set s-web-4a28', 'delete chain s-web']]);
  });

  test('a port that becomes guarded: chain and sets first, its key last', () => {
    const { stage, switch: switched } = change(
      accessOf([exposed('30001/tcp', 'web')], both.slice(0, 1)),
      accessOf([exposed('30001/tcp', 'web'), exposed('30002/tcp', 'web')], both.slice(0, 1)),
    );
    assert.ok(operations(stage).some((one) => one.kind === 'add-chain' && one.name === 'x-30002'));
    assert.deepEqual(
      operations(switched).map(({ kind }) => kind),
      ['add-keys'],
    );
  });

  test('a guarded port that is opened loses its key; its chain keeps its rules until the sweep', () => {
    const {
      stage,
      switch: switched,
      sweep,
    } = change(
      accessOf([exposed('30001/tcp', 'web')], [selection('web', office)]),
      accessOf([exposed('30001/tcp', null)]),
    );
    assert.deepEqual(operations(stage), []);
    assert.deepEqual(
      operations(switched).map(({ kind }) => kind),
      ['delete-keys'],
    );
    assert.ok(operations(sweep).some((one) => one.kind === 'delete-chain' && one.name === 'x-30001'));
  });

  test('a VIP that stays open gets its key before the guarded port, and keeps it until that has gone', () => {
    const vip = exposed('192.0.2.200 30001/tcp', null);
    const [open, guarded] = [
      accessOf([vip, exposed('30001/tcp', null)]),
      accessOf([vip, exposed('30001/tcp', 'web')], both.slice(0, 1)),
    ];
    const keys = (before: Access, after: Access) =>
      change(before, after).switch.map((one) =>
        one.operations.flatMap((each) => (each.kind === 'add-keys' || each.kind === 'delete-keys' ? each.map : [])),
      );
    assert.deepEqual(keys(open, guarded), [['vips4'], ['exposures']]);
    assert.deepEqual(keys(guarded, open), [['exposures'], ['vips4']]);
  });

  test('a base chain that was hung elsewhere comes back with its rules in one transaction', () => {
    const target = compileTable(web(office));
    const there = target.chains.get('prerouting');
    assert.ok(there?.base);
    const moved = new Map(target.chains).set('prerouting', { ...there, base: { ...there.base, priority: 50 } });
    const { stage, switch: switched } = planChange({ ...target, chains: moved }, target);
    assert.deepEqual(stage, []);
    assert.deepEqual(
      switched.map((one) => one.operations.map(({ kind }) => kind)),
      [['replace-rules', 'delete-chain', 'add-chain', 'replace-rules']],
    );
  });

  test('what a chain has counted goes on in its new rules', () => {
    const current = compileTable(accessOf([exposed('30001/tcp', 'web')], [selection('web', office)]));
    const chain = current.chains.get('x-30001');
    assert.ok(chain);
    const counted: Table = {
      ...current,
      chains: new Map(current.chains).set('x-30001', {
        ...chain,
        rules: chain.rules.map((rule) => ({
          statements: rule.statements.map((one) =>
            one.kind === 'counter' ? { ...one, counter: { packets: 7n, bytes: 420n } } : one,
          ),
        })),
      }),
    };
    const after = accessOf([exposed('30001/tcp', 'all')], [selection('all', all)]);
    const planned = planChange(counted, compileTable(after, counted));
    assert.match(printTransaction(planned.switch[0] ?? { operations: [] }), /counter packets 7 bytes 420 goto/);
  });

  const refused: CompileOptions = { replies: [{ address: null, protocol: 'tcp', port: 30_001 }] };
  const kinds = (transactions: readonly Transaction[]): readonly string[] =>
    operations(transactions).map((one) =>
      one.kind === 'replace-rules'
        ? `rules ${one.chain}`
        : 'name' in one
          ? `${one.kind} ${one.name}`
          : `${one.kind} ${'map' in one ? one.map : ''}`,
    );

  test('the first refused connection brings the chain that judges replies, before the key that leads on from there', () => {
    const current = compileTable(web(office));
    const { stage, switch: switched, sweep } = planChange(current, compileTable(web(office), current, refused));
    assert.deepEqual(
      [kinds(stage), kinds(switched), kinds(sweep)],
      [
        [
          'add-chain postrouting',
          'add-chain d-web',
          'add-chain r-30001',
          'rules postrouting',
          'rules d-web',
          'rules r-30001',
        ],
        ['add-keys replies'],
        [],
      ],
    );
  });

  test('once no refused connection is left, the chain that judges replies goes', () => {
    const current = compileTable(web(office), null, refused);
    const { stage, switch: switched, sweep } = planChange(current, compileTable(web(office), current));
    assert.deepEqual(
      [kinds(stage), kinds(switched), kinds(sweep)],
      [
        [],
        ['rules postrouting', 'delete-chain postrouting', 'delete-keys replies'],
        ['rules d-web', 'rules r-30001', 'delete-chain d-web', 'delete-chain r-30001'],
      ],
    );
  });

  test('removal: the base chains let everything by, then the table goes, alone', () => {
    const { stage, switch: switched, sweep } = planChange(compileTable(web(office), null, refused), null);
    assert.deepEqual(operations(stage), []);
    assert.deepEqual(operations(switched), [
      { kind: 'replace-rules', chain: 'prerouting', rules: [] },
      { kind: 'replace-rules', chain: 'postrouting', rules: [] },
    ]);
    assert.deepEqual(operations(sweep), [{ kind: 'delete-table' }]);
    assert.deepEqual(planChange(null, null), { stage: [], switch: [], sweep: [] });
  });
});

/** Names that rules and map elements of a table lead to or look up in. */
const referencedIn = (table: Table | null): ReadonlySet<string> =>
  new Set(
    [
      ...[...(table?.chains.values() ?? [])].flatMap(({ rules }) => rules.flatMap(({ statements }) => statements)),
      ...[...(table?.sets.values() ?? [])].flatMap((set) =>
        set.kind === 'verdict-map' ? set.elements.map(({ verdict }) => ({ kind: 'verdict' as const, verdict })) : [],
      ),
    ].flatMap((one) => {
      if (one.kind === 'verdict') return 'chain' in one.verdict ? [one.verdict.chain] : [];
      if (one.kind === 'match') return one.right.kind === 'set' ? [one.right.name] : [];
      if (one.kind === 'vmap') return one.map.kind === 'named' ? [one.map.name] : [];
      return one.kind === 'update' ? [one.set] : one.kind === 'counter-named' ? [one.name] : [];
    }),
  );

describe('every change between two random accesses', () => {
  const everyChange = (check: (planned: Change & { readonly current: Table }) => void): void =>
    fc.assert(
      fc.property(anyAccess, anyAccess, (before, after) => check(change(before, after))),
      { numRuns: 150 },
    );

  test('never deletes a key and adds it again', () =>
    everyChange(({ stage, switch: switched, sweep }) => {
      const added = new Set<string>();
      const deleted = new Set<string>();
      for (const one of operations([...stage, ...switched, ...sweep]))
        if (one.kind === 'add-keys' || one.kind === 'delete-keys')
          for (const element of one.elements)
            (one.kind === 'add-keys' ? added : deleted).add(`${one.map} ${keyText(element)}`);
      assert.deepEqual([...added.intersection(deleted)], []);
    }));

  test('never changes a set or a map of intervals that packets can reach', () =>
    everyChange(({ stage, switch: switched, sweep, current }) => {
      let now: Table | null = current;
      for (const transaction of [...stage, ...switched, ...sweep]) {
        const inReach = reachable(now);
        const next = applyTransaction(now, transaction);
        for (const set of now?.sets.values() ?? [])
          if (inReach.has(set.name) && (set.kind === 'addresses' || (set.kind === 'verdict-map' && set.interval)))
            assert.equal(next?.sets.get(set.name), set);
        now = next;
      }
    }));

  test('never empties or deletes what something leads to at the beginning of the same transaction', () =>
    everyChange(({ stage, switch: switched, sweep, current }) => {
      let now: Table | null = current;
      for (const transaction of [...stage, ...switched, ...sweep]) {
        const inReach = reachable(now);
        for (const one of transaction.operations) {
          const gone =
            one.kind === 'delete-chain' || one.kind === 'delete-set' || one.kind === 'delete-counter'
              ? one.name
              : one.kind === 'replace-rules' && one.rules.length === 0
                ? one.chain
                : null;
          // A swept chain may still lead to another swept one; both were out of reach before.
          if (gone !== null) assert.ok(!inReach.has(gone), `${gone} is in reach`);
        }
        now = applyTransaction(now, transaction);
      }
    }));

  test('stages nothing that packets can reach', () =>
    everyChange(({ stage, current }) => {
      const inReach = reachable(current);
      for (const one of operations(stage)) {
        const name =
          one.kind === 'add-keys'
            ? one.map
            : one.kind === 'add-chain' || one.kind === 'add-counter'
              ? one.name
              : one.kind === 'add-set'
                ? one.set.name
                : one.kind === 'replace-rules'
                  ? one.chain
                  : `${one.kind} in a stage`;
        assert.ok(!inReach.has(name), name);
      }
    }));

  test('touches what it says, and nothing else changes', () =>
    everyChange(({ stage, switch: switched, current }) => {
      const touched = touchedBy([...stage, ...switched], current);
      if (touched === null) return;
      const end = [...stage, ...switched].reduce<Table | null>(applyTransaction, current);
      for (const [name, chain] of end?.chains ?? [])
        if (!touched.chains.has(name)) assert.deepEqual(chain, current.chains.get(name));
      for (const [name, set] of end?.sets ?? [])
        if (!touched.sets.has(name) && !touched.maps.has(name)) assert.deepEqual(set, current.sets.get(name));
      for (const name of touched.maps) assert.equal(end?.sets.get(name)?.kind, 'verdict-map');
    }));
});

/** Chains and sets that packets can come to: from the base chains along rules and map elements. */
const reachable = (table: Table | null): ReadonlySet<string> => {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const [chain, set] = [table?.chains.get(name), table?.sets.get(name)];
    const part: Table | null =
      table === null
        ? null
        : { ...table, chains: new Map(chain ? [[name, chain]] : []), sets: new Map(set ? [[name, set]] : []) };
    for (const next of referencedIn(part)) visit(next);
  };
  for (const { name, base } of table?.chains.values() ?? []) if (base !== null) visit(name);
  return seen;
};
