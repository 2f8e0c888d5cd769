import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import { formatAddress } from './address.ts';
import { LAST, WIDTH, type Family } from './family.ts';
import { formatPrefix, networkOf, parsePrefix, rangeOf } from './prefix.ts';

describe('a prefix is read', () => {
  const cases: readonly (readonly [text: string, canonical: string, first: string, last: string])[] = [
    ['0.0.0.0/0', '0.0.0.0/0', '0.0.0.0', '255.255.255.255'],
    ['198.51.100.0/30', '198.51.100.0/30', '198.51.100.0', '198.51.100.3'],
    ['203.0.113.7/32', '203.0.113.7/32', '203.0.113.7', '203.0.113.7'],
    ['128.0.0.0/1', '128.0.0.0/1', '128.0.0.0', '255.255.255.255'],
    ['::/0', '::/0', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['2001:DB8::/32', '2001:db8::/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['2001:db8::1/128', '2001:db8::1/128', '2001:db8::1', '2001:db8::1'],
    ['8000::/1', '8000::/1', '8000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ];
  for (const [text, canonical, first, last] of cases)
    test(`${text} is ${first} to ${last}`, () => {
      const parsed = parsePrefix(text);
      assert.ok(parsed.ok);
      assert.equal(formatPrefix(parsed.value), canonical);
      const range = rangeOf(parsed.value);
      assert.equal(formatAddress({ family: range.family, value: range.first }), first);
      assert.equal(formatAddress({ family: range.family, value: range.last }), last);
    });
});

describe('a prefix is refused, with what is wrong, where, and what would be right', () => {
  const cases: readonly (readonly [text: string, code: string, marked: string, hint: RegExp])[] = [
    [
      '192.168.1.5/24',
      'host-bits-set',
      '192.168.1.5/24',
      /network 192\.168\.1\.0\/24 or the one address 192\.168\.1\.5\/32/,
    ],
    ['10.0.0.1/0', 'host-bits-set', '10.0.0.1/0', /network 0\.0\.0\.0\/0 or the one address 10\.0\.0\.1\/32/],
    ['2001:db8::5/64', 'host-bits-set', '2001:db8::5/64', /network 2001:db8::\/64 or the one address 2001:db8::5\/128/],
    ['192.0.2.1', 'prefix-without-length', '192.0.2.1', /192\.0\.2\.1\/32/],
    ['2001:db8::1', 'prefix-without-length', '2001:db8::1', /2001:db8::1\/128/],
    ['192.0.2.0/33', 'mask-too-long', '33', /0 to 32/],
    ['192.0.2.0/9999', 'mask-too-long', '9999', /0 to 32/],
    ['2001:db8::/129', 'mask-too-long', '129', /0 to 128/],
    ['192.0.2.0/024', 'mask-leading-zero', '024', /\/24$/],
    ['192.0.2.0/00', 'mask-leading-zero', '00', /\/0$/],
    ['192.0.2.0/', 'mask-not-a-number', '', /0 to 32/],
    ['192.0.2.0/255.255.255.0', 'mask-not-a-number', '255.255.255.0', /number of fixed bits/],
    ['192.0.2.0/-1', 'mask-not-a-number', '-1', /0 to 32/],
    ['192.0.2.0/+24', 'mask-not-a-number', '+24', /0 to 32/],
    ['192.0.2.0/24/24', 'mask-not-a-number', '24/24', /0 to 32/],
    ['192.0.2.0/24 ', 'mask-not-a-number', '24 ', /0 to 32/],
    ['192.0.2.0/1e1', 'mask-not-a-number', '1e1', /0 to 32/],
    ['::ffff:192.0.2.0/120', 'address-ipv4-mapped', '::ffff:192.0.2.0', /192\.0\.2\.0/],
    ['10.0.0/8', 'address-short-form', '10.0.0', /all four numbers/],
    ['10/8', 'address-short-form', '10', /all four numbers/],
    ['010.0.0.0/8', 'address-leading-zero', '010', /write 10 /],
    ['/24', 'address-empty', '', /192\.0\.2\.1/],
    ['', 'address-empty', '', /192\.0\.2\.1/],
    ['fe80::%eth0/64', 'address-zone', '%eth0', /zone/],
    ['everyone', 'address-syntax', 'everyone', /IPv4 address/],
  ];
  for (const [text, code, marked, hint] of cases)
    test(`${JSON.stringify(text)}: ${code}`, () => {
      const parsed = parsePrefix(text);
      assert.ok(!parsed.ok);
      const [problem] = parsed.problems;
      assert.equal(problem?.code, code);
      assert.equal(text.slice(problem.span?.start, problem.span?.end), marked);
      assert.match(problem.hint ?? '', hint);
    });
});

const anyPrefix = fc
  .constantFrom<Family>(4, 6)
  .chain((family) =>
    fc
      .tuple(fc.bigInt({ min: 0n, max: LAST[family] }), fc.nat(WIDTH[family]))
      .map(([value, length]) => networkOf({ family, value }, length)),
  );

describe('against ip-address', () => {
  test('the same range for every prefix, and the text reads back', () => {
    fc.assert(
      fc.property(anyPrefix, (prefix) => {
        const text = formatPrefix(prefix);
        const oracle = prefix.family === 4 ? new Address4(text) : new Address6(text);
        const { first, last } = rangeOf(prefix);
        assert.equal(first, oracle.startAddress().bigInt());
        assert.equal(last, oracle.endAddress().bigInt());
        const parsed = parsePrefix(text);
        const mapped = prefix.family === 6 && prefix.address >> 32n === 0xffffn;
        if (!mapped) assert.deepEqual(parsed.ok && parsed.value, prefix);
      }),
      { numRuns: 2000 },
    );
  });

  test('host bits are refused exactly where the address is not the first of its network', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: LAST[4] }), fc.nat(32), (value, length) => {
        const text = `${formatAddress({ family: 4, value })}/${length}`;
        const oracle = new Address4(text);
        assert.equal(parsePrefix(text).ok, oracle.startAddress().bigInt() === value);
      }),
      { numRuns: 2000 },
    );
  });
});
