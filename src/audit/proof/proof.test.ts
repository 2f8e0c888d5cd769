import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessOf, addresses, exposed, selection } from '../../../test/support/small-access.ts';
import { applyTransaction } from '../../compile/plan/apply-transaction.ts';
import { compileTable } from '../../compile/table/compile-table.ts';
import type { Operation } from '../../compile/plan/transaction.ts';
import { addressComplement, addressPrefixes, type AddressSet } from '../../net/address-set.ts';
import { formatPrefix } from '../../net/prefix.ts';
import { single, symbol } from '../../ruleset/values/data-type.ts';
import { destinationPort, ipv4Source, l4proto, meta, type Expression } from '../../ruleset/nft/expression.ts';
import { inSet, match, values, verdict } from '../../ruleset/nft/statement.ts';
import type { Interval, Rule, Table } from '../../ruleset/table.ts';
import { accept, drop, goto } from '../../ruleset/values/verdict.ts';
import { prove } from './proof.ts';

/** Three networks, so that they stand in a set. */
const OFFICE4 = ['198.51.100.0/28', '198.51.100.32/28', '198.51.100.64/28'] as const;
const office = addresses(...OFFICE4, '2001:db8:1::/48');
const everyOffice = OFFICE4.join(' ');
const SET = 's-web-4a28';
const access = accessOf(
  [
    exposed('30001/tcp', 'web'),
    exposed('30002/tcp', 'web'),
    exposed('30100-30199/udp', 'web'),
    exposed('30150/udp', null),
  ],
  [selection('web', office)],
);
const table = compileTable(access);

const masked28: Expression = {
  kind: 'bitwise',
  op: '&',
  left: ipv4Source,
  right: { kind: 'constant', value: single(0xffff_fff0n) },
};

const rulesOf = (chain: string): readonly Rule[] => table.chains.get(chain)?.rules ?? [];
const inFront = (chain: string, ...statements: Rule['statements']): Operation => ({
  kind: 'replace-rules',
  chain,
  rules: [{ statements }, ...rulesOf(chain)],
});
const withElements =
  (name: string, change: (there: readonly Interval[]) => readonly Interval[]) =>
  (before: Table): Table => {
    const set = before.sets.get(name);
    assert.equal(set?.kind, 'addresses');
    return { ...before, sets: new Map(before.sets).set(name, { ...set, intervals: change(set.intervals) }) };
  };
const port = (number: number) => match(destinationPort, values(single(number)));
const key = (protocol: number, number: number) => [single(protocol), single(number)];

const text = (set: AddressSet): string =>
  [...addressPrefixes(set)]
    .map(formatPrefix)
    .join(' ')
    .replace(othersText, 'all others')
    .replace(othersText4, 'all other IPv4')
    .replace('0.0.0.0/0 ::/0', 'everybody');
const othersText4 = [...addressPrefixes(addressComplement(office))]
  .filter(({ family }) => family === 4)
  .map(formatPrefix)
  .join(' ');
const othersText = [...addressPrefixes(addressComplement(office))].map(formatPrefix).join(' ');

describe('the proof finds what was changed by hand', () => {
  const cases: readonly (readonly [
    words: string,
    edit: Operation | ((table: Table) => Table),
    found: readonly string[],
  ])[] = [
    ['nothing', { kind: 'add-counter', name: 'mine' }, []],
    [
      'an accept in front of everything',
      inFront('prerouting', verdict(accept)),
      ['30001/tcp + all others', '30002/tcp + all others', '30100-30199/udp + all others'],
    ],
    ['an accept in one exposure', inFront('x-30002', verdict(accept)), ['30002/tcp + all others']],
    [
      'an accept for one client in one exposure',
      inFront('x-30001', match(ipv4Source, values(single(0xcb00_7107n))), verdict(accept)),
      ['30001/tcp + 203.0.113.7/32'],
    ],
    [
      'a drop for a port that nobody guards',
      inFront('prerouting', port(40_000), verdict(drop)),
      ['40000/tcp - everybody', '40000/udp - everybody', '40000/sctp - everybody'],
    ],
    [
      'a verdict map in a rule of its own',
      inFront('prerouting', {
        kind: 'vmap',
        key: [l4proto, destinationPort],
        map: {
          kind: 'inline',
          elements: [
            { key: key(6, 40_000), verdict: drop },
            { key: key(6, 30_002), verdict: accept },
          ],
        },
      }),
      ['30002/tcp + all others', '40000/tcp - everybody'],
    ],
    [
      'a rule that nobody understands: everything is possible, also for packets to elsewhere',
      inFront('x-30001', { kind: 'unknown', text: 'xt match' }),
      ['30001/tcp + all others - everybody'],
    ],
    ...(
      [
        ['a number by chance', { kind: 'numgen', mode: 'random', modulus: 2, offset: 0 }],
        ['a number in turn', { kind: 'numgen', mode: 'inc', modulus: 2, offset: 0 }],
        ['a hash of the source', { kind: 'hash', how: 'jhash', of: [ipv4Source], modulus: 2, seed: null, offset: 0 }],
        ['a hash of the flow', { kind: 'hash', how: 'symhash', of: [], modulus: 2, seed: null, offset: 0 }],
      ] as const satisfies readonly (readonly [string, Expression])[]
    ).map(
      ([words, expression]) =>
        [
          `verdicts by ${words}`,
          inFront('x-30001', {
            kind: 'vmap',
            key: [expression],
            map: {
              kind: 'inline',
              elements: [0, 1].map((number) => ({ key: [single(number)], verdict: accept })),
            },
          }),
          [`30001/tcp + ${words.includes('source') ? 'all other IPv4' : 'all others'}`],
        ] as const,
    ),
    [
      'an accept for one interface',
      inFront('x-30001', match(meta('iifname'), values(symbol('eth0'))), verdict(accept)),
      ['30001/tcp + all others'],
    ],
    [
      'an accept for one address of the node, named by the connection',
      inFront(
        'x-30001',
        match({ kind: 'ct', key: 'ip daddr', direction: 'original' }, values(single(0xc000_020an))),
        verdict(accept),
      ),
      ['30001/tcp + all other IPv4'],
    ],
    [
      'an accept for packets with a flag',
      inFront(
        'x-30001',
        match({ kind: 'payload', protocol: 'tcp', field: 'flags' }, values(single(16))),
        verdict(accept),
      ),
      ['30001/tcp + all others'],
    ],
    [
      'a look-up that never admits',
      inFront('s-web', match(masked28, inSet(SET)), verdict(drop)),
      ['30001/tcp', '30002/tcp', '30100-30199/udp'].map((exposure) => `${exposure} - ${everyOffice}`),
    ],
    [
      'a key is deleted',
      {
        kind: 'delete-keys',
        map: 'exposures',
        types: ['inet_proto', 'inet_service'],
        elements: [{ key: key(6, 30_001), verdict: goto('x-30001') }],
      },
      ['30001/tcp + all others'],
    ],
    [
      'the key of the open port in a guarded range is deleted',
      {
        kind: 'delete-keys',
        map: 'exposures',
        types: ['inet_proto', 'inet_service'],
        elements: [{ key: key(17, 30_150), verdict: goto('x-30150') }],
      },
      ['30150/udp - all others'],
    ],
    [
      'an element is deleted',
      withElements(SET, () => []),
      ['30001/tcp', '30002/tcp', '30100-30199/udp'].map((exposure) => `${exposure} - ${everyOffice}`),
    ],
    [
      'an element is added',
      withElements(SET, (there) => [...there, { first: 0xcb00_7100n, last: 0xcb00_7100n }]),
      ['30001/tcp + 203.0.113.0/28', '30002/tcp + 203.0.113.0/28', '30100-30199/udp + 203.0.113.0/28'],
    ],
    [
      'the table is gone',
      { kind: 'delete-table' },
      ['30001/tcp + all others', '30002/tcp + all others', '30100-30199/udp + all others'],
    ],
  ];
  for (const [words, edit, found] of cases)
    test(words, () => {
      const edited = typeof edit === 'function' ? edit(table) : applyTransaction(table, { operations: [edit] });
      const { holds, differences } = prove(edited, access);
      assert.deepEqual(
        differences
          .map(({ exposure, gained, lost }) =>
            [
              exposure,
              ...(text(gained) === '' ? [] : [`+ ${text(gained)}`]),
              ...(text(lost) === '' ? [] : [`- ${text(lost)}`]),
            ].join(' '),
          )
          .toSorted(),
        found.toSorted(),
      );
      assert.equal(holds, found.length === 0);
    });
});

test('where replies are judged their base chain must be there; where nobody’s are, it need not be', () => {
  const judged = compileTable(access, null, { replies: [{ address: null, protocol: 'tcp', port: 30_001 }] });
  const without = ({ chains, ...rest }: Table): Table => ({
    ...rest,
    chains: new Map([...chains].filter(([name]) => name !== 'postrouting')),
  });
  const because = (edited: Table): readonly string[] => [
    ...new Set(prove(edited, access).differences.flatMap((difference) => difference.because)),
  ];
  assert.deepEqual(because(judged), []);
  assert.deepEqual(because(without(judged)), ['the base chain postrouting is missing']);
  assert.deepEqual(because(without(table)), []);
});
