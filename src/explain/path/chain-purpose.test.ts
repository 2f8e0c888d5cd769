import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessOf, addresses, exposed, selection } from '../../../test/support/small-access.ts';
import { nobody } from '../../net/address-set.ts';
import { compileTable } from '../../compile/table/compile-table.ts';
import { chainPurpose, purposeWords } from './chain-purpose.ts';

test('every chain that the guard makes is explained', () => {
  const office = addresses('198.51.100.0/28');
  const table = compileTable(
    accessOf(
      [exposed('30001/tcp', 'web'), exposed('30010-30019/tcp', 'web'), exposed('192.0.2.200 80/tcp', 'web')],
      [
        selection('web', addresses('203.0.113.0/24'), {
          groups: { office },
          reject: addresses('10.0.0.0/8'),
          wouldRefuse: addresses('203.0.113.7/32'),
        }),
      ],
      { office },
    ),
    null,
    { replies: [{ address: null, protocol: 'tcp', port: 30_001 }] },
  );
  const purposes = [...table.chains.keys()].map((name) => {
    const purpose = chainPurpose(table, name);
    return [name, purpose === null ? null : purposeWords(purpose)] as const;
  });
  assert.deepEqual(
    purposes.filter(([, purpose]) => purpose === null),
    [],
  );
  assert.equal(new Set(purposes.map(([, purpose]) => purpose)).size, purposes.length);
  assert.equal(
    chainPurpose(compileTable(accessOf([exposed('30001/tcp', 'shut')], [selection('shut', nobody)])), 'mine'),
    null,
  );
});
