import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readBatchLine, unmet, type Expectation } from './batch.ts';

const POD_A = { result: 'delivered', to: '10.244.1.64:8080', source: '10.244.1.1', client: 'connects' };
const POD_B = { ...POD_A, to: '10.244.2.21:8080', source: '192.0.2.10' };
const DROPPED = { result: 'dropped', to: null, source: null, client: 'timeout' };
const A = POD_A.to;
const B = POD_B.to;

describe('what is expected must hold for every outcome', () => {
  const cases: readonly (readonly [
    words: string,
    expect: Expectation,
    outcomes: readonly (typeof POD_A | typeof DROPPED)[],
    misses: readonly string[],
  ])[] = [
    ['nothing is expected', {}, [POD_A, DROPPED], []],
    ['the result of both', { result: 'delivered' }, [POD_A, POD_B], []],
    ['one of two differs', { result: 'delivered' }, [POD_A, DROPPED], ['result: expected delivered, got dropped']],
    ['an array means any of', { result: ['delivered', 'dropped'] }, [POD_A, DROPPED], []],
    ['an empty array is met by nothing', { result: [] }, [POD_A], ['result: expected , got delivered']],
    ['the client', { client: 'timeout' }, [DROPPED], []],
    ['the place is one of two', { to: [A, B] }, [POD_A, POD_B], []],
    ['the place is only one', { to: A }, [POD_A, POD_B], [`to: expected ${A}, got ${B}`]],
    ['null: nowhere', { to: null }, [DROPPED], []],
    ['null: nowhere, but somewhere', { to: null }, [POD_A], [`to: expected null, got ${A}`]],
    ['null among others', { to: [A, null] }, [POD_A, DROPPED], []],
    ['the source that is seen', { source: ['10.244.1.1', '192.0.2.10'] }, [POD_A, POD_B], []],
    ['endpoints are all of them', { endpoints: [A, B] }, [POD_A, POD_B], []],
    ['in any order', { endpoints: [B, A] }, [POD_A, POD_B], []],
    ['one is missing', { endpoints: [A, B] }, [POD_A], [`endpoints: never ${B}`]],
    ['one is too many', { endpoints: [A] }, [POD_A, POD_B], [`endpoints: also ${B}`]],
    ['no endpoint', { endpoints: [] }, [DROPPED], []],
    [
      'two things fail',
      { result: 'dropped', client: 'timeout' },
      [POD_A],
      ['result: expected dropped, got delivered', 'client: expected timeout, got connects'],
    ],
    ['no outcome meets nothing', { result: 'dropped' }, [], ['result: expected dropped, got no outcome']],
  ];
  for (const [words, expect, outcomes, misses] of cases)
    test(words, () => assert.deepEqual(unmet(expect, outcomes), misses));
});

describe('a line of a batch', () => {
  test('has defaults', () => {
    const read = readBatchLine('{"from":"203.0.113.20","to":"192.0.2.10:30001"}');
    assert.ok(read.ok);
    const { request, expect } = read.value;
    assert.deepEqual(
      [request.protocol, request.in, request.state, request.sourcePort, expect],
      ['tcp', null, 'new', null, null],
    );
  });

  test('may say everything', () => {
    const read = readBatchLine(
      '{"from":"pod:10.244.1.7","to":"[fd00::1]:53/udp","in":"cni0","state":"established","sport":4000,"expect":{"endpoints":[]}}',
    );
    assert.ok(read.ok);
    const { request, expect } = read.value;
    assert.deepEqual(
      [request.from.kind, request.protocol, request.in, request.state, request.sourcePort, expect],
      ['pod', 'udp', 'cni0', 'established', 4000, { endpoints: [] }],
    );
  });

  const bad: readonly (readonly [line: string, code: string])[] = [
    ['not json', 'not-json'],
    ['[]', 'batch-field'],
    ['{"from":"203.0.113.20"}', 'batch-field'],
    ['{"from":"203.0.113.20","to":"192.0.2.10:30001","form":"x"}', 'batch-field'],
    ['{"from":"203.0.113.20","to":"192.0.2.10:30001","expect":{"results":"delivered"}}', 'batch-field'],
    ['{"from":"203.0.113.20","to":"192.0.2.10:30001","state":"old"}', 'batch-field'],
    ['{"from":"203.0.113.20","to":"192.0.2.10:30001","sport":0}', 'batch-field'],
    ['{"from":"203.0.113.20","to":"192.0.2.10"}', 'destination-syntax'],
    ['{"from":"203.0.113","to":"192.0.2.10:80"}', 'address-short-form'],
  ];
  for (const [line, code] of bad)
    test(`${line} is not understood`, () => {
      const read = readBatchLine(line);
      assert.equal(read.ok ? 'ok' : read.problems[0]?.code, code);
    });
});
