import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatPorts, parsePorts } from './port.ts';
import { PROTOCOLS, type Protocol } from './protocol.ts';

describe('ports are read', () => {
  const cases: readonly (readonly [text: string, first: number, last: number, protocol: Protocol | null])[] = [
    ['1', 1, 1, null],
    ['30001', 30_001, 30_001, null],
    ['65535', 65_535, 65_535, null],
    ['30001/udp', 30_001, 30_001, 'udp'],
    ['30000-32767', 30_000, 32_767, null],
    ['30000-30000', 30_000, 30_000, null],
    ['30000-30099/sctp', 30_000, 30_099, 'sctp'],
  ];
  for (const [text, first, last, protocol] of cases)
    test(text, () => {
      const parsed = parsePorts(text);
      assert.deepEqual(parsed.ok && parsed.value, { ports: { first, last }, protocol });
    });
});

describe('ports are refused, with what is wrong and where', () => {
  const cases: readonly (readonly [text: string, code: string, marked: string, hint: RegExp])[] = [
    ['', 'port-syntax', '', /1 to 65535/],
    ['0', 'port-out-of-range', '0', /1 to 65535/],
    ['65536', 'port-out-of-range', '65536', /1 to 65535/],
    ['999999', 'port-out-of-range', '999999', /1 to 65535/],
    ['9999999', 'port-syntax', '9999999', /1 to 65535/],
    ['030001', 'port-leading-zero', '030001', /Write 30001/],
    ['0x7531', 'port-syntax', '0x7531', /1 to 65535/],
    ['30001 ', 'port-syntax', '30001 ', /1 to 65535/],
    ['-1', 'port-syntax', '-', /1 to 65535/],
    ['3e4', 'port-syntax', '3e4', /1 to 65535/],
    ['https', 'port-syntax', 'https', /1 to 65535/],
    ['30001-', 'port-syntax', '', /1 to 65535/],
    ['30001-x', 'port-syntax', 'x', /1 to 65535/],
    ['30000-65536', 'port-out-of-range', '65536', /1 to 65535/],
    ['30000:30099', 'port-syntax', '30000:30099', /30000-30099/],
    ['32767-30000', 'port-range-reversed', '32767-30000', /Write 30000-32767/],
    ['30001/', 'protocol-unknown', '', /tcp, udp or sctp/],
    ['30001/TCP', 'protocol-unknown', 'TCP', /tcp, udp or sctp/],
    ['30001/icmp', 'protocol-unknown', 'icmp', /tcp, udp or sctp/],
    ['30001/tcp/udp', 'protocol-unknown', 'tcp/udp', /tcp, udp or sctp/],
  ];
  for (const [text, code, marked, hint] of cases)
    test(`${JSON.stringify(text)}: ${code}`, () => {
      const parsed = parsePorts(text);
      assert.ok(!parsed.ok);
      const [problem] = parsed.problems;
      assert.equal(problem?.code, code);
      assert.equal(text.slice(problem.span?.start, problem.span?.end), marked);
      assert.match(problem.hint ?? '', hint);
    });
});

test('what is printed reads back as the same ports', () => {
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(port, port, fc.option(fc.constantFrom(...PROTOCOLS)), (a, b, protocol) => {
      const ports = { first: Math.min(a, b), last: Math.max(a, b) };
      const parsed = parsePorts(formatPorts(ports, protocol));
      assert.deepEqual(parsed.ok && parsed.value, { ports, protocol });
    }),
  );
});
