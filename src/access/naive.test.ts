import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { naiveAnswer, naiveRange, type NaiveAddress, type Place } from '../../test/support/naive-evaluator.ts';
import { accessOfManifests, remarksOf } from '../../test/support/questions.ts';
import { ALL_PREFIXES, anySituation, anyTie, PLACES } from '../../test/support/random-manifests.ts';
import { parseAddress } from '../net/address.ts';
import { addressUnion, countAddresses, everyone, hasAddress, sameAddresses } from '../net/address-set.ts';
import { PROTOCOLS } from '../net/protocol.ts';
import { guardsOf, type GuardOf } from './guard-of.ts';
import type { Access } from './model.ts';

/** The first and last addresses of all prefixes, and their neighbours outside. */
const EDGES: readonly NaiveAddress[] = [
  ...new Map(
    ALL_PREFIXES.flatMap((prefix) => {
      const { family, first, last } = naiveRange(prefix);
      return [first - 1n, first, last, last + 1n]
        .filter((value) => value >= 0n && value < 2n ** (family === 4 ? 32n : 128n))
        .map((value) => [`${family} ${value}`, { family, value }] as const);
    }),
  ).values(),
];

const selectionAt = (access: Access, guard: GuardOf, { protocol, port, vip }: Place) => {
  const known = PROTOCOLS.find((one) => one === protocol) ?? 'tcp';
  const address = vip === null ? null : parseAddress(vip);
  const destination = address?.ok === true ? address.value : 'local';
  return access.selections.get(guard(known, port, destination)?.selection ?? '');
};

test('on random policies, Services, Nodes and groups, access says what a naive evaluator says, at the edges of all prefixes, and who is responsible', () => {
  let guarded = 0;
  fc.assert(
    fc.property(fc.oneof(anySituation, anyTie), ({ manifests, options }) => {
      const result = accessOfManifests(manifests, options);
      // SSH named without leave is an error by itself: truth-table-ports.test.ts.
      if (!result.ok) return assert.ok(remarksOf(result).includes('failsafe-port'));
      const guard = guardsOf(result.value);
      for (const place of PLACES) {
        const selection = selectionAt(result.value, guard, place);
        if (selection !== undefined) guarded++;
        for (const which of ['enforced', 'wouldBe'] as const) {
          const parts = (which === 'enforced' ? selection?.parts : selection?.wouldParts) ?? [];
          for (const source of selection === undefined ? EDGES.slice(0, 2) : EDGES) {
            const found = parts.filter(({ sources }) => hasAddress(sources, source));
            const said =
              selection === undefined ? 'open' : found.map((part) => `${part.verdict}: ${part.because}`).join();
            assert.equal(
              said,
              naiveAnswer(manifests, options, place, source, which),
              `${which} ${place.port}/${place.protocol} ${place.vip ?? ''} from ${source.value}`,
            );
          }
        }
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(guarded > 500, `only ${guarded} guarded places were looked at`);
});

test('the parts of every selection hold every address exactly once, and its sets are those of its parts', () => {
  fc.assert(
    fc.property(anySituation, ({ manifests, options }) => {
      const result = accessOfManifests(manifests, options);
      if (!result.ok) return;
      for (const { parts, wouldParts, allowed, rejected, own, untouchedGroups } of result.value.selections.values()) {
        for (const list of [parts, wouldParts]) {
          assert.ok(sameAddresses(addressUnion(...list.map(({ sources }) => sources)), everyone));
          const sum = list.reduce((total, { sources }) => total + countAddresses(sources), 0n);
          assert.equal(sum, countAddresses(everyone));
        }
        const withVerdict = (wanted: string) =>
          addressUnion(...parts.filter(({ verdict }) => verdict === wanted).map(({ sources }) => sources));
        assert.ok(sameAddresses(allowed, withVerdict('allow')));
        assert.ok(sameAddresses(rejected, withVerdict('reject')));
        assert.deepEqual(untouchedGroups, []);
        assert.ok(sameAddresses(own, allowed));
      }
    }),
    { numRuns: 100 },
  );
});
