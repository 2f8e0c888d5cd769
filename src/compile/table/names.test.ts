import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { address } from '../../../test/support/address.ts';
import { anyAccess } from '../../../test/support/random-access.ts';
import { accessOf, addresses, exposed, selection } from '../../../test/support/small-access.ts';
import type { Table } from '../../ruleset/table.ts';
import { compileTable } from './compile-table.ts';
import { ownName, readOwnName, type OwnName } from './names.ts';

const namesOf = ({ chains, sets, counters }: Table): readonly string[] => [
  ...chains.keys(),
  ...sets.keys(),
  ...counters.keys(),
];

/** NFT_NAME_MAXLEN is 256 with the closing zero (include/uapi/linux/netfilter/nf_tables.h). */
const expectGoodNames = (table: Table): void => {
  for (const name of namesOf(table)) assert.match(name, /^[a-z][a-z0-9._-]{0,254}$/);
};

describe('names in the kernel', () => {
  test('begin with a letter and have 255 characters at most, whatever the policies are called', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,300}$/), (id) => {
        const access = accessOf(
          [exposed('30001/tcp', id), exposed('2001:db8:1111:2222:3333:4444:5555:6666 65535/sctp', id)],
          [selection(id, addresses('10.0.0.0/8'), { reject: addresses('11.0.0.0/8') })],
        );
        expectGoodNames(compileTable(access));
      }),
    );
    fc.assert(
      fc.property(anyAccess, (access) => expectGoodNames(compileTable(access))),
      { numRuns: 20 },
    );
  });

  test('two long ids that differ only at their end have different names', () => {
    const ids = ['a', 'b'].map((end) => 'x'.repeat(280) + end);
    const access = accessOf(
      ids.map((id, index) => exposed(`${30_001 + index}/tcp`, id)),
      ids.map((id) => selection(id, addresses('10.0.0.0/8'))),
    );
    assert.equal(new Set([...compileTable(access).chains.keys()].filter((name) => name.startsWith('s-'))).size, 2);
  });

  test('do not depend on the content: another allowed network leaves every name as it is', () => {
    const tableFor = (cidr: string) =>
      compileTable(accessOf([exposed('30001/tcp', 'web')], [selection('web', addresses(cidr))]));
    assert.deepEqual(namesOf(tableFor('203.0.113.0/24')), namesOf(tableFor('10.0.0.0/8')));
  });
});

describe('the name of an own chain', () => {
  const rows: readonly (readonly [name: string, own: OwnName | null])[] = [
    ['prerouting', { kind: 'prerouting' }],
    ['note-audit', { kind: 'note-audit' }],
    ['x-30001', { kind: 'local', ports: { first: 30_001, last: 30_001 } }],
    ['x-30000-32767', { kind: 'local', ports: { first: 30_000, last: 32_767 } }],
    ['v-192.0.2.200-80', { kind: 'vip', address: address('192.0.2.200'), ports: { first: 80, last: 80 } }],
    ['v-2001_db8__1-80-90', { kind: 'vip', address: address('2001:db8::1'), ports: { first: 80, last: 90 } }],
    ['r-30001', { kind: 'replies', port: 30_001 }],
    ['s-web.2', { kind: 'allow', instance: 'web.2' }],
    ['d-web', { kind: 'allow-replies', instance: 'web' }],
    ['t-shop-web', { kind: 'refuse', instance: 'shop-web' }],
    ['a-web', { kind: 'audit', instance: 'web' }],
    ['g-office', { kind: 'group', instance: 'office' }],
    ['dg-office', { kind: 'group-replies', instance: 'office' }],
    ['mine', null],
    ['s-', null],
    ['q-web', null],
    ['x-web', null],
    ['x-0', null],
    ['x-90-80', null],
    ['r-80-90', null],
    ['v-192.0.2.200', null],
    ['v-web-80', null],
  ];
  for (const [name, own] of rows)
    test(`${name} is ${own === null ? 'none of ours' : `one of kind ${own.kind}, and read back as written`}`, () => {
      assert.deepEqual(readOwnName(name), own);
      if (own !== null) assert.equal(ownName(own), name);
    });

  test('is read back, whatever the access', () => {
    fc.assert(
      fc.property(anyAccess, (access) => {
        for (const name of compileTable(access).chains.keys()) {
          const own = readOwnName(name);
          assert.equal(own === null ? null : ownName(own), name);
        }
      }),
      { numRuns: 20 },
    );
  });
});
