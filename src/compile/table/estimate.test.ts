import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessOf, addresses, exposed, selection } from '../../../test/support/small-access.ts';
import { compileTable } from './compile-table.ts';
import { estimateOf } from './estimate.ts';

test('the estimate counts stored networks, map keys, chains and sets, above those of an empty table', () => {
  const empty = estimateOf(compileTable(accessOf([])));
  const full = estimateOf(
    compileTable(
      accessOf(
        [exposed('30001/tcp', 'web'), exposed('30001/udp', 'web'), exposed('30100-30199/tcp', 'web')],
        [selection('web', addresses('10.0.0.0/24', '192.0.2.0/24', '198.51.100.0/24', '2001:db8::/32'))],
      ),
    ),
  );
  assert.equal(empty.elements, 0);
  // 3 networks in a set and one in a rule, 2 exact keys, 1 range; chains s-web, x-30001, x-30100-30199; a map of
  // ranges.
  assert.deepEqual(full, { elements: 6, chains: empty.chains + 3, sets: empty.sets + 2 });
});
