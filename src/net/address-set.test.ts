import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anySet } from '../../test/support/random-access.ts';
import {
  addressComplement,
  addressDifference,
  addressIntersection,
  addressPrefixes,
  addressSet,
  addressUnion,
  countAddresses,
  everyone,
  hasAddress,
  isNobody,
  isSubsetOf,
  nobody,
  sameAddresses,
} from './address-set.ts';

test('a set of both families is made up by its prefixes, IPv4 first', () => {
  fc.assert(
    fc.property(anySet, (set) => {
      const list = [...addressPrefixes(set)];
      assert.ok(sameAddresses(addressSet(list), set));
      assert.deepEqual(
        list.map(({ family }) => family),
        list.map(({ family }) => family).toSorted((a, b) => a - b),
      );
      for (const { family, address } of list) assert.ok(hasAddress(set, { family, value: address }));
    }),
  );
});

test('the operations work on both families apart', () => {
  fc.assert(
    fc.property(anySet, anySet, (a, b) => {
      assert.ok(sameAddresses(addressDifference(a, b), addressIntersection(a, addressComplement(b))));
      assert.ok(sameAddresses(addressUnion(addressDifference(a, b), addressIntersection(a, b)), a));
      assert.ok(isSubsetOf(addressIntersection(a, b), b));
      assert.equal(
        countAddresses(addressUnion(a, b)) + countAddresses(addressIntersection(a, b)),
        countAddresses(a) + countAddresses(b),
      );
      assert.equal(isNobody(a), sameAddresses(a, nobody));
    }),
  );
});

test('nobody and everyone', () => {
  assert.ok(sameAddresses(addressUnion(), nobody));
  assert.ok(sameAddresses(addressComplement(nobody), everyone));
  assert.equal(countAddresses(everyone), 2n ** 32n + 2n ** 128n);
});
