import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { admin, service, type Manifest } from '../../test/support/policies.ts';
import { accessOfManifests } from '../../test/support/questions.ts';
import { anySituation, PLACES } from '../../test/support/random-manifests.ts';
import { parseAddress } from '../net/address.ts';
import {
  addressDifference,
  addressPrefixes,
  addressUnion,
  everyone,
  nobody,
  sameAddresses,
} from '../net/address-set.ts';
import { formatPrefix } from '../net/prefix.ts';
import { PROTOCOLS } from '../net/protocol.ts';
import { accessDifference, type ChangedPart, type ExposureChange } from './difference.ts';
import { guardsOf } from './guard-of.ts';
import type { Access } from './model.ts';

const accessTo = (manifests: readonly Manifest[]): Access => {
  const result = accessOfManifests(manifests);
  assert.ok(result.ok);
  return result.value;
};

const sources = (parts: readonly ChangedPart[]) => addressUnion(nobody, ...parts.map((part) => part.sources));
const text = (parts: readonly ChangedPart[]): string =>
  sameAddresses(sources(parts), everyone)
    ? 'everyone'
    : [...addressPrefixes(sources(parts))].map(formatPrefix).join(' ');
const words = ({ exposure, gained, lost, otherwiseChanged }: ExposureChange): string =>
  [
    exposure.id,
    ...(gained.length === 0 ? [] : [`+ ${text(gained)}`]),
    ...(lost.length === 0 ? [] : [`- ${text(lost)}`]),
    ...(otherwiseChanged ? ['otherwise'] : []),
  ].join(' ');

describe('what changes where ranges of ports change', () => {
  const OFFICE = '198.51.100.0/28';
  const closed = (...ports: readonly string[]) => admin('closed', 10, ['Deny everyone'], { subject: { ports } });
  const web = service('shop/web', ['80:30005/tcp']);
  const open = admin('open', 5, ['Accept everyone'], { subject: { ports: ['30005/tcp'] } });
  const cases: readonly (readonly [
    words: string,
    before: readonly Manifest[],
    after: readonly Manifest[],
    changes: readonly string[],
    unchanged: number,
  ])[] = [
    ['the same range', [closed('30001-30010/tcp')], [closed('30001-30010/tcp')], [], 1],
    ['a longer range', [closed('30001-30010/tcp')], [closed('30001-30012/tcp')], ['30011-30012/tcp - everyone'], 1],
    ['one port more', [closed('30001-30010/tcp')], [closed('30001-30011/tcp')], ['30011/tcp - everyone'], 1],
    ['a shorter range', [closed('30001-30010/tcp')], [closed('30003-30010/tcp')], ['30001-30002/tcp + everyone'], 1],
    [
      'a range that moves',
      [closed('30001-30010/tcp')],
      [closed('30006-30015/tcp')],
      ['30001-30005/tcp + everyone', '30011-30015/tcp - everyone'],
      1,
    ],
    [
      'a range in two, with a hole between',
      [closed('30001-30010/tcp')],
      [closed('30001-30004/tcp', '30007-30010/tcp')],
      ['30005-30006/tcp + everyone'],
      2,
    ],
    [
      'another protocol',
      [closed('30001-30010/tcp')],
      [closed('30001-30010/udp')],
      ['30001-30010/tcp + everyone', '30001-30010/udp - everyone'],
      0,
    ],
    [
      'a Service with a policy of its own within a range stays apart',
      [closed('30001-30010/tcp'), web, open],
      [closed('30001-30011/tcp'), web, open],
      ['30011/tcp - everyone'],
      3,
    ],
    [
      'a Service in a range goes: its port is a port of the range',
      [closed('30001-30010/tcp'), web, open],
      [closed('30001-30010/tcp')],
      ['30005/tcp - everyone'],
      2,
    ],
    [
      'a part of a range lets some in',
      [closed('30001-30010/tcp')],
      [closed('30001-30010/tcp'), admin('some', 5, [`Accept ${OFFICE}`], { subject: { ports: ['30003-30004/tcp'] } })],
      [`30003-30004/tcp + ${OFFICE}`],
      2,
    ],
  ];
  for (const [what, before, after, changes, unchanged] of cases)
    test(what, () => {
      const found = accessDifference(accessTo(before), accessTo(after));
      assert.deepEqual(found.changes.map(words).toSorted(), changes);
      assert.equal(found.unchanged, unchanged);
    });
});

test('at every place exactly those gain and lose who may come in after or before alone', () => {
  let changes = 0;
  fc.assert(
    fc.property(anySituation, anySituation, (before, after) => {
      const [old, fresh] = [before, after].map(({ manifests, options }) => accessOfManifests(manifests, options));
      if (old?.ok !== true || fresh?.ok !== true) return;
      const [oldGuard, freshGuard] = [guardsOf(old.value), guardsOf(fresh.value)];
      const difference = accessDifference(old.value, fresh.value);
      changes += difference.changes.length;
      for (const place of PLACES) {
        const protocol = PROTOCOLS.find((one) => one === place.protocol) ?? 'tcp';
        const parsed = place.vip === null ? null : parseAddress(place.vip);
        const vip = parsed?.ok === true ? parsed.value : null;
        const allowed = (access: Access, guard: typeof oldGuard) =>
          access.selections.get(guard(protocol, place.port, vip ?? 'local')?.selection ?? '')?.allowed ?? everyone;
        const [had, has] = [allowed(old.value, oldGuard), allowed(fresh.value, freshGuard)];
        const there = difference.changes.filter(
          ({ exposure: { address, ports, ...other } }) =>
            other.protocol === protocol &&
            address?.value === vip?.value &&
            ports.first <= place.port &&
            place.port <= ports.last,
        );
        const told = there.find(({ exposure: { ports } }) => ports.first === ports.last) ?? there[0];
        const isSingle = [...old.value.exposures, ...fresh.value.exposures].some(
          ({ protocol: of, address, ports }) =>
            of === protocol && address?.value === vip?.value && ports.first === place.port && ports.last === place.port,
        );
        const change =
          isSingle && told !== undefined && told.exposure.ports.first !== told.exposure.ports.last ? undefined : told;
        const what = `${place.protocol} ${place.port} ${place.vip ?? ''}`;
        assert.ok(sameAddresses(sources(change?.gained ?? []), addressDifference(has, had)), `${what}: gained`);
        assert.ok(sameAddresses(sources(change?.lost ?? []), addressDifference(had, has)), `${what}: lost`);
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(changes > 300, `only ${changes} changes were looked at`);
});
