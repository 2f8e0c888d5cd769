import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import { formatAddress, parseAddress } from './address.ts';
import { LAST, type Family } from './family.ts';

describe('an address is read', () => {
  const cases: readonly (readonly [text: string, family: Family, value: bigint, canonical: string])[] = [
    ['0.0.0.0', 4, 0n, '0.0.0.0'],
    ['192.0.2.1', 4, 0xc000_0201n, '192.0.2.1'],
    ['255.255.255.255', 4, 0xffff_ffffn, '255.255.255.255'],
    ['::', 6, 0n, '::'],
    ['::1', 6, 1n, '::1'],
    ['1::', 6, 1n << 112n, '1::'],
    ['2001:DB8::A', 6, 0x2001_0db8_0000_0000_0000_0000_0000_000an, '2001:db8::a'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', 6, 0x2001_0db8_0000_0000_0000_0000_0000_0001n, '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', 6, 0x2001_0db8_0000_0001_0001_0001_0001_0001n, '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', 6, 0x2001_0000_0000_0001_0000_0000_0000_0001n, '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', 6, 0x2001_0db8_0000_0000_0001_0000_0000_0001n, '2001:db8::1:0:0:1'],
    ['64:ff9b::192.0.2.33', 6, 0x0064_ff9b_0000_0000_0000_0000_c000_0221n, '64:ff9b::c000:221'],
    ['::192.0.2.1', 6, 0xc000_0201n, '::c000:201'],
    ['1:2:3:4:5:6:7::', 6, 0x0001_0002_0003_0004_0005_0006_0007_0000n, '1:2:3:4:5:6:7:0'],
    ['::ffff:0:0:1', 6, 0xffff_0000_0000_0001n, '::ffff:0:0:1'],
  ];
  for (const [text, family, value, canonical] of cases)
    test(`${text} is ${canonical}`, () => {
      const parsed = parseAddress(text);
      assert.deepEqual(parsed.ok && parsed.value, { family, value });
      assert.equal(formatAddress({ family, value }), canonical);
    });
});

describe('an address is refused, with what is wrong and where', () => {
  const cases: readonly (readonly [text: string, code: string, marked: string, hint: RegExp])[] = [
    ['', 'address-empty', '', /192\.0\.2\.1/],
    ['192.0.02.1', 'address-leading-zero', '02', /octal; write 2 /],
    ['010.0.0.1', 'address-leading-zero', '010', /write 10 /],
    ['192.0.2.00', 'address-leading-zero', '00', /write 0 /],
    ['192.0.2', 'address-short-form', '192.0.2', /all four numbers/],
    ['10', 'address-short-form', '10', /all four numbers/],
    ['3221225985', 'address-short-form', '3221225985', /all four numbers/],
    ['192.0.2.1.1', 'address-short-form', '192.0.2.1.1', /all four numbers/],
    ['192.0..1', 'address-empty-part', '', /four numbers/],
    ['192.0.2.', 'address-empty-part', '', /four numbers/],
    ['256.0.0.1', 'address-number-too-large', '256', /0 to 255/],
    ['192.0.2.1000', 'address-number-too-large', '1000', /0 to 255/],
    ['0xc0.0.2.1', 'address-syntax', '0xc0.0.2.1', /192\.0\.2\.1/],
    ['example.org', 'address-syntax', 'example.org', /192\.0\.2\.1/],
    ['192.0.2.1 ', 'address-space', ' ', /Remove/],
    [' ::1', 'address-space', ' ', /Remove/],
    ['192.0.2.-1', 'address-syntax', '192.0.2.-1', /192\.0\.2\.1/],
    ['１９２.0.2.1', 'address-syntax', '１９２.0.2.1', /192\.0\.2\.1/],
    ['fe80::1%eth0', 'address-zone', '%eth0', /zone/],
    ['1::2::3', 'address-two-gaps', '::', /Only one/],
    [':::', 'address-bad-group', '', /2001:db8::1/],
    [':1:2:3:4:5:6:7', 'address-bad-group', '', /2001:db8::1/],
    ['1:2:3:4:5:6:7:', 'address-bad-group', '', /2001:db8::1/],
    ['1:2:3:4:5:6:7', 'address-group-count', '1:2:3:4:5:6:7', /eight groups/],
    ['1:2:3:4:5:6:7:8:9', 'address-group-count', '1:2:3:4:5:6:7:8:9', /eight groups/],
    ['1:2:3:4::5:6:7:8', 'address-group-count', '1:2:3:4::5:6:7:8', /at least one/],
    ['2001:db8::12345', 'address-bad-group', '12345', /2001:db8::1/],
    ['2001:db8::g', 'address-bad-group', 'g', /2001:db8::1/],
    ['::ffff:192.0.2.1', 'address-ipv4-mapped', '::ffff:192.0.2.1', /write 192\.0\.2\.1$/],
    ['::ffff:c000:201', 'address-ipv4-mapped', '::ffff:c000:201', /write 192\.0\.2\.1$/],
    ['64:ff9b::192.0.2.033', 'address-leading-zero', '033', /write 33 /],
    ['64:ff9b::192.0.2', 'address-short-form', '192.0.2', /all four numbers/],
    ['192.0.2.1::', 'address-bad-group', '192.0.2.1', /2001:db8::1/],
    ['[::1]', 'address-bad-group', '[', /2001:db8::1/],
  ];
  for (const [text, code, marked, hint] of cases)
    test(`${JSON.stringify(text)}: ${code}`, () => {
      const parsed = parseAddress(text);
      assert.ok(!parsed.ok);
      const [problem] = parsed.problems;
      assert.equal(problem?.code, code);
      assert.equal(text.slice(problem.span?.start, problem.span?.end), marked);
      assert.match(problem.hint ?? '', hint);
    });

  test('megabytes of garbage are refused at once and never repeated in full', () => {
    for (const text of ['9'.repeat(1e6), '1:'.repeat(5e5), '.'.repeat(1e6), ' '.repeat(1e6), '%'.repeat(1e6)]) {
      const parsed = parseAddress(text);
      assert.ok(!parsed.ok);
      for (const { message, hint } of parsed.problems)
        assert.ok(`${message} ${hint}`.length < 400, message.slice(0, 80));
    }
  });
});

const anyAddress = fc.constantFrom<Family>(4, 6).chain((family) =>
  fc
    .oneof(
      fc.bigInt({ min: 0n, max: LAST[family] }),
      // Runs of zeros, where canonical texts differ.
      fc
        .array(fc.constantFrom<bigint>(0n, 0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
        .map((groups) => groups.reduce((sum, group) => (sum << 16n) | group, 0n) & LAST[family]),
    )
    .map((value) => ({ family, value })),
);

/** Characters and pieces of which addresses and near misses are made. */
const nearAddress = fc
  .array(
    fc.constantFrom(
      '0',
      '1',
      '01',
      '25',
      '255',
      '256',
      'ffff',
      'db8',
      '12345',
      '.',
      '.',
      '.',
      ':',
      ':',
      '::',
      ' ',
      '%',
      '/',
      'x',
    ),
    { maxLength: 17 },
  )
  .map((pieces) => pieces.join(''));
const dotted = fc.array(fc.oneof(fc.nat(300).map(String), fc.constantFrom('00', '01', '1e1', '')), {
  minLength: 3,
  maxLength: 5,
});

/**
 * Where we are stricter than `ip-address` on purpose: octal readings, mapped addresses, zones, a prefix length behind
 * the address.
 */
const STRICTER = new Set(['address-leading-zero', 'address-ipv4-mapped', 'address-zone']);

describe('against ip-address', () => {
  test('the same value and the same canonical text (RFC 5952) for every address', () => {
    fc.assert(
      fc.property(anyAddress, ({ family, value }) => {
        const text = formatAddress({ family, value });
        const oracle = family === 4 ? Address4.fromBigInt(value) : Address6.fromBigInt(value);
        assert.equal(text, oracle.correctForm());
        const parsed = parseAddress(text);
        const mapped = family === 6 && value >> 32n === 0xffffn;
        if (mapped) assert.equal(parsed.ok, false);
        else assert.deepEqual(parsed.ok && parsed.value, { family, value });
      }),
      { numRuns: 3000 },
    );
  });

  test('accepts what ip-address accepts, apart from what is refused on purpose, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          nearAddress,
          dotted.map((parts) => parts.join('.')),
        ),
        (text) => {
          const parsed = parseAddress(text);
          const Oracle = text.includes(':') ? Address6 : Address4;
          const accepted = !text.includes('/') && Oracle.isValid(text);
          if (parsed.ok) {
            assert.ok(accepted, `only we accept ${text}`);
            assert.equal(parsed.value.value, new Oracle(text).bigInt());
          } else if (accepted) {
            const [problem] = parsed.problems;
            assert.ok(STRICTER.has(problem?.code ?? ''), `only we refuse ${text}: ${problem?.code}`);
          }
        },
      ),
      { numRuns: 20_000 },
    );
  });
});
