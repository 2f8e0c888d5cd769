import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TraceEvent, TracedHeader } from './nft-trace.ts';
import { firstPacket, samePacket } from './one-packet.ts';

const TRACER = { family: 'inet', table: 'tracer' };

const HEADER: TracedHeader = {
  in: 'eth0',
  out: '',
  source: '198.51.100.2',
  destination: '192.0.2.10',
  protocol: 'tcp',
  sourcePort: 4000,
  destinationPort: 80,
  ipId: 7,
  mark: 0,
};

/** `ID TABLE CHAIN`, the entry of a base chain. */
const entry = (words: string, header: Partial<TracedHeader> = {}): TraceEvent => {
  const [id = '', table = '', chain = ''] = words.split(' ');
  return {
    engine: 'nft',
    id,
    family: table === 'tracer' ? 'inet' : 'ip',
    table,
    chain,
    event: { kind: 'packet' },
    header: { ...HEADER, ...header },
  };
};

const rule = (words: string): TraceEvent => ({
  ...entry(words),
  event: { kind: 'rule', number: null, handle: 1, text: '', verdict: 'continue' },
  header: null,
});

/** `TABLE CHAIN NUMBER` of legacy iptables. */
const legacy = (words: string, header: Partial<TracedHeader> = {}): TraceEvent => {
  const [table = '', chain = '', number = ''] = words.split(' ');
  return {
    ...entry(`- ${table} ${chain}`, header),
    engine: 'iptables-legacy',
    id: null,
    event: { kind: 'rule', number: Number(number), handle: null, text: '', verdict: null },
  };
};

const named = (events: readonly TraceEvent[] | undefined) =>
  events?.map(({ id, table, chain }) => `${id ?? '-'} ${table} ${chain}`);

describe('of what nft told, the first packet is taken', () => {
  const cases: readonly (readonly [string, readonly TraceEvent[], readonly string[] | undefined])[] = [
    ['nothing was told', [], undefined],
    [
      'what was told before the tracer saw a packet is another one',
      [entry('a x in'), entry('b tracer pre'), entry('b x in')],
      ['b x in'],
    ],
    ['a packet that only the tracer saw', [entry('a tracer pre'), rule('a tracer pre')], []],
    [
      'the next packet of the flow has the same id',
      [entry('a tracer pre'), entry('a x pre'), rule('a x pre'), entry('a tracer pre', { ipId: 8 }), rule('a x pre')],
      ['a x pre', 'a x pre'],
    ],
    [
      'two packets at the same time',
      [entry('a tracer pre'), entry('b tracer pre', { ipId: 8 }), entry('b x pre', { ipId: 8 }), entry('a x pre')],
      ['a x pre'],
    ],
    [
      'it gets another id where it comes back over lo',
      [
        entry('a tracer out', { in: '' }),
        entry('a x out', { in: '' }),
        entry('b x pre', { in: 'lo' }),
        rule('b x pre'),
        entry('c tracer out', { in: '', ipId: 8 }),
        entry('b x pre', { in: 'lo', ipId: 8 }),
      ],
      ['a x out', 'b x pre', 'b x pre'],
    ],
    [
      'the same without numbers of packets (IPv6)',
      [
        entry('a tracer out', { in: '', ipId: null }),
        entry('b x pre', { in: 'lo', ipId: null }),
        entry('a tracer out', { in: '', ipId: null }),
        entry('c x pre', { in: 'lo', ipId: null }),
      ],
      ['b x pre'],
    ],
  ];
  for (const [name, events, expected] of cases)
    test(name, () => assert.deepEqual(named(firstPacket(events, TRACER)?.events), expected));
});

describe('of what legacy iptables told, the same packet is taken', () => {
  const cases: readonly (readonly [string, readonly TraceEvent[], readonly string[]])[] = [
    [
      'other packets have other numbers or ports',
      [
        legacy('raw PREROUTING 1', { ipId: 6 }),
        legacy('raw PREROUTING 1', { sourcePort: 3999 }),
        legacy('nat PREROUTING 1'),
        legacy('nat KUBE-SERVICES 3'),
        legacy('raw PREROUTING 1', { ipId: 8 }),
        legacy('filter FORWARD 1', { destination: '10.244.1.64' }),
      ],
      ['- nat PREROUTING', '- nat KUBE-SERVICES', '- filter FORWARD'],
    ],
    [
      'it begins again behind: the next packet',
      [
        legacy('raw PREROUTING 1', { ipId: 0 }),
        legacy('filter FORWARD 1', { ipId: 0, destination: '10.244.1.64' }),
        legacy('raw PREROUTING 1', { ipId: 0 }),
      ],
      [],
    ],
    [
      'it comes back over lo',
      [
        legacy('filter OUTPUT 1', { in: '' }),
        legacy('filter OUTPUT 2', { in: '' }),
        legacy('raw PREROUTING 1', { in: 'lo' }),
        legacy('filter INPUT 1', { in: 'lo' }),
      ],
      ['- filter OUTPUT', '- filter OUTPUT', '- raw PREROUTING', '- filter INPUT'],
    ],
  ];
  for (const [name, events, expected] of cases)
    test(name, () => assert.deepEqual(named(samePacket(events, HEADER)), expected));

  test('without numbers of packets, a chain that lies behind begins the next', () => {
    const bare = { ipId: null };
    const told = [
      legacy('filter INPUT 2', bare),
      legacy('filter KUBE-X 1', bare),
      legacy('filter INPUT 3', bare),
      legacy('filter INPUT 2', bare),
      legacy('filter INPUT 3', bare),
    ];
    assert.equal(samePacket(told, { ...HEADER, ipId: null }).length, 3);
  });
});
