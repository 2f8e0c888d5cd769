import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { admin, group, nodePort, service, type Manifest } from '../../test/support/policies.ts';
import { accessOfManifests, answer } from '../../test/support/questions.ts';
import { countAddresses, hasAddress, sameAddresses } from '../net/address-set.ts';
import { parseAddress } from '../net/address.ts';
import { readManifests } from '../policy/read-manifests.ts';

const WEB = service('shop/web', ['80:30001/tcp']);
const INDEXES = Array.from({ length: 200_000 }, (_, index) => index);

const big = (cidrs: readonly string[]): Manifest => ({ ...group('big'), spec: { cidrs } });

/** 200,000 prefixes with gaps between them: every second /30 from 10.0.0.0 on. */
const every8th = (index: number): string => {
  const value = 0x0a00_0000 + index * 8;
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}/30`;
};

describe('an AddressGroup of 200,000 prefixes', () => {
  const cidrs = INDEXES.map(every8th);
  const yaml = `apiVersion: portcullis.dev/v1alpha1\nkind: AddressGroup\nmetadata: { name: big }\nspec:\n  cidrs:\n${cidrs.map((cidr) => `    - ${cidr}\n`).join('')}`;

  test('is read from YAML and from JSON alike', () => {
    const [fromYaml, fromJson] = [yaml, JSON.stringify(big(cidrs))].map((text) => {
      const result = readManifests([{ name: 'x', text }]);
      assert.ok(result.ok);
      const found = result.value.groups.get('big');
      assert.ok(found !== undefined);
      return found.addresses;
    });
    assert.ok(fromYaml !== undefined && fromJson !== undefined);
    assert.ok(sameAddresses(fromYaml, fromJson));
    assert.deepEqual([fromYaml.v4.size, countAddresses(fromYaml)], [200_000, 800_000n]);
  });

  test('enters the access whole, and is held once for all policies that use it', () => {
    const result = accessOfManifests([
      WEB,
      service('shop/api', ['80:30002/tcp']),
      big(cidrs),
      nodePort('shop/web', ['big', '203.0.113.0/24'], { services: ['web'] }),
      nodePort('shop/api', ['big'], { services: ['api'] }),
    ]);
    assert.ok(result.ok);
    const { groups, selections } = result.value;
    assert.deepEqual([...groups.keys()], ['big']);
    assert.deepEqual(
      [...selections.values()].map(({ untouchedGroups, own }) => [untouchedGroups, own.v4.size]),
      [
        [['big'], 1],
        [['big'], 0],
      ],
    );
    assert.equal(answer(result.value, '10.24.105.248 → 30001/tcp'), 'allow: shop/web: allow[0]');
    assert.equal(answer(result.value, '10.24.105.251 → 30001/tcp'), 'allow: shop/web: allow[0]');
    assert.equal(answer(result.value, '10.24.105.252 → 30001/tcp'), 'drop: shop/web: otherwise');
    assert.equal(answer(result.value, '203.0.113.7 → 30002/tcp'), 'drop: shop/api: otherwise');
  });

  test('is cut by a Deny, and then is part of the selection itself', () => {
    const result = accessOfManifests([
      WEB,
      big(cidrs),
      nodePort('shop/web', ['big']),
      admin('ban', 1, ['Deny 10.0.0.1/32']),
    ]);
    assert.ok(result.ok);
    const [selection] = result.value.selections.values();
    assert.ok(selection !== undefined);
    assert.deepEqual([selection.untouchedGroups, countAddresses(selection.allowed)], [[], 799_999n]);
    assert.equal(answer(result.value, '10.0.0.1 → 30001/tcp'), 'drop: ban: rules[0]');
  });
});

describe('duplicate and overlapping prefixes', () => {
  const allowedOf = (...allow: readonly string[]) => {
    const result = accessOfManifests([WEB, nodePort('shop/web', allow)]);
    assert.ok(result.ok);
    const [selection] = result.value.selections.values();
    assert.ok(selection !== undefined);
    return selection;
  };
  const same: readonly (readonly [what: string, given: readonly string[], plain: readonly string[]])[] = [
    ['the same twice', ['10.0.0.0/8', '10.0.0.0/8'], ['10.0.0.0/8']],
    ['one within the other', ['10.0.0.0/8', '10.1.0.0/16'], ['10.0.0.0/8']],
    ['the smaller one first', ['10.1.0.0/16', '10.0.0.0/8'], ['10.0.0.0/8']],
    ['two halves', ['10.0.0.0/9', '10.128.0.0/9'], ['10.0.0.0/8']],
    ['everybody in two halves', ['0.0.0.0/1', '128.0.0.0/1', '::/0'], ['everyone']],
    ['another spelling', ['2001:0db8:0:0::/32', '2001:db8::/32'], ['2001:db8::/32']],
  ];
  for (const [what, given, plain] of same)
    test(`${what}: ${given.join(', ')} is ${plain.join(', ')}`, () => {
      assert.ok(sameAddresses(allowedOf(...given).allowed, allowedOf(...plain).allowed));
    });

  test('each address has one responsible entry, the first', () => {
    const { parts } = allowedOf('10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8');
    assert.deepEqual(
      parts.map(({ because, sources }) => [because, countAddresses(sources)]),
      [
        ['shop/web: allow[0]', 65_536n],
        ['shop/web: allow[1]', 16_777_216n - 65_536n],
        ['shop/web: otherwise', 2n ** 32n + 2n ** 128n - 16_777_216n],
      ],
    );
  });

  test('200,000 times the same prefix in a group is one', () => {
    const result = accessOfManifests([WEB, big(INDEXES.map(() => '10.0.0.0/8')), nodePort('shop/web', ['big'])]);
    assert.ok(result.ok);
    const [selection] = result.value.selections.values();
    assert.equal(selection?.allowed.v4.size, 1);
  });
});

describe('all 2,768 node ports', () => {
  const ports = Array.from({ length: 2768 }, (_, index) => 30_000 + index);
  const guardedBy = (subject: object) => {
    const result = accessOfManifests([admin('all', 1, ['Accept 10.0.0.0/8', 'Deny everyone'], { subject })]);
    assert.ok(result.ok);
    return result.value.exposures.map(({ id }) => id);
  };

  test('one by one are the same as the range: one exposure for each protocol', () => {
    assert.deepEqual(guardedBy({ ports }), ['30000-32767/sctp', '30000-32767/tcp', '30000-32767/udp']);
    assert.deepEqual(guardedBy({ ports: ['30000-32767'] }), guardedBy({ ports }));
  });

  test('each with a Service of its own are 2,768 exposures of one selection', () => {
    const services = ports.map((port) => service(`shop/s${port}`, [`80:${port}/tcp`]));
    const result = accessOfManifests([...services, nodePort('shop/p', ['10.0.0.0/8'])]);
    assert.ok(result.ok);
    assert.deepEqual([result.value.exposures.length, result.value.selections.size], [2768, 1]);
  });

  test('each with a policy of its own are 2,768 selections', () => {
    const services = ports.map((port) => service(`shop/s${port}`, [`80:${port}/tcp`]));
    const policies = ports.map((port) =>
      nodePort(`shop/p${port}`, [`10.0.${port >> 8}.${port & 255}/32`], { services: [`s${port}`] }),
    );
    const result = accessOfManifests([...services, ...policies]);
    assert.ok(result.ok);
    assert.equal(result.value.selections.size, 2768);
    const parsed = parseAddress('10.0.117.49');
    assert.ok(parsed.ok);
    const admitting = [...result.value.selections.values()].filter(({ allowed }) => hasAddress(allowed, parsed.value));
    assert.deepEqual(
      admitting.map(({ policies: names }) => names),
      [['NodePortPolicy shop/p30001']],
    );
  });
});

describe('empty policies', () => {
  const rows: readonly (readonly [what: string, manifest: Readonly<Record<string, unknown>>, answer: string])[] = [
    ['allow: [] refuses everybody', nodePort('shop/web', []), 'drop: shop/web: otherwise'],
    ['rules: [] decides nothing', admin('a', 1, []), 'allow: no policy decides'],
    ['an empty group is nobody', nodePort('shop/web', ['nobody']), 'drop: shop/web: otherwise'],
  ];
  for (const [what, manifest, expected] of rows)
    test(what, () => {
      const result = accessOfManifests([WEB, group('nobody'), manifest]);
      assert.ok(result.ok);
      assert.equal(answer(result.value, '203.0.113.7 → 30001/tcp'), expected);
    });

  test('no policy at all guards nothing', () => {
    const result = accessOfManifests([WEB]);
    assert.ok(result.ok);
    assert.deepEqual([result.value.selections.size, answer(result.value, '203.0.113.7 → 30001/tcp')], [0, 'open']);
  });
});
