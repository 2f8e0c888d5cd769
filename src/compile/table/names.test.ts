import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyAccess } from '../../../test/support/random-access.ts';
import { accessOf, addresses, exposed, selection } from '../../../test/support/small-access.ts';
import type { Table } from '../../ruleset/table.ts';
import { compileTable } from './compile-table.ts';

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
