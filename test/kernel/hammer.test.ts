import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { FAMILIES } from '../../src/net/family.ts';
import { counted, leaked, makeField, start, type Field, type Running } from '../support/hammer/field.ts';
import {
  ALLOWED,
  CHANGING,
  GUARDED,
  NODE,
  OPEN,
  REFUSED,
  SOMETIMES,
  TRANSLATED,
  VIPS,
} from '../support/hammer/plan.ts';
import { noKernel } from '../support/namespace.ts';

// Law 7 with packets: allowed and refused clients send all the time while policies change. HAMMER_CHANGES and
// HAMMER_VM_CHANGES: how many changes, of each kind of refusal, on this kernel and on each of the virtual machine's
// (test/machines/rows.ts); HAMMER_SEED: which.

const CHANGES = Number(process.env['HAMMER_CHANGES'] ?? 40);
const SEED = Number(process.env['HAMMER_SEED'] ?? 1);
/** Packets and connections per second and sender; there are two and four of them, and slower ones. */
const UDP_RATE = Number(process.env['HAMMER_UDP_RATE'] ?? 5000);
const TCP_RATE = Number(process.env['HAMMER_TCP_RATE'] ?? 200);

describe('while policies change, nobody refused comes in and nobody allowed is refused', { skip: noKernel }, () => {
  for (const otherwise of ['Drop', 'Reject'] as const)
    test(`here, the others get a ${otherwise}`, (t) => hammer(t, otherwise));
});

/** Programs that send: datagrams and connections of both families. Sources with a "=" in front are let in. */
const senders = ({ client }: Field): readonly Running[] => [
  ...(['udp', 'tcp'] as const).flatMap((protocol) => {
    const rate = (protocol === 'udp' ? UDP_RATE : TCP_RATE) / 5;
    const [all, some] = [[...ALLOWED[4], ...REFUSED[4]], ALLOWED[4]].map((list) => list.map((source) => `=${source}`));
    return [
      start(client, 'flood.pl', [protocol, rate, VIPS.open, VIPS.port, ...(all ?? [])]),
      start(client, 'flood.pl', [protocol, rate, VIPS.changing, VIPS.port, ...(some ?? [])]),
    ];
  }),
  ...FAMILIES.flatMap((family) => {
    const allowed = ALLOWED[family].map((source) => `=${source}`);
    const everybody = [...allowed, ...REFUSED[family], ...CHANGING[family]];
    return [
      start(client, 'flood.pl', ['udp', UDP_RATE, NODE[family], GUARDED.join(','), ...everybody]),
      start(client, 'flood.pl', [
        'tcp',
        TCP_RATE,
        NODE[family],
        [...GUARDED, ...SOMETIMES, OPEN].join(','),
        ...allowed,
      ]),
      start(client, 'flood.pl', ['tcp', TCP_RATE, NODE[family], GUARDED.join(','), ...REFUSED[family]]),
    ];
  }),
];

const hammer = async (t: TestContext, otherwise: 'Drop' | 'Reject'): Promise<void> => {
  const field = await makeField();
  const running: Running[] = [];
  try {
    const ports = [...GUARDED.slice(1), TRANSLATED.to, ...SOMETIMES, OPEN, VIPS.port];
    const vips = [VIPS.open, VIPS.changing].map((address) => `${address}:${VIPS.port}`);
    const server = start(field.node, 'receive.pl', [...ports, ...vips]);
    running.push(server);
    assert.equal(await server.line(), 'ready');
    const changes = start(field.node, 'change.ts', [CHANGES, SEED, otherwise]);
    running.push(changes);
    // Where it has ended instead, `end` tells why.
    if ((await changes.line()) !== 'in force') await changes.end();
    const clients = senders(field);
    running.push(...clients);
    for (const client of clients) assert.equal(await client.line(), 'sending');
    changes.tell('go');
    const report = await changes.line();
    await changes.end();
    const sent = (await Promise.all(clients.map((client) => client.end()))).flat();
    const counts = await counted(field);
    const came = await server.end();
    t.diagnostic(`${otherwise}: ${summary(JSON.parse(report ?? '{}') as Report, counts, sent)}`);

    const count = (name: string): number => counts.get(name) ?? Number.NaN;
    if (count('refused-past') > 0) {
      // To be compared with what was changed when.
      t.diagnostic(`ended ${new Date().toISOString()}; past the guard: ${await leaked(field)}`);
      t.diagnostic(`milliseconds at which changes ended: ${(JSON.parse(report ?? '{}') as Report).ended.join(' ')}`);
    }
    assert.equal(count('refused-past'), 0, 'packets of refused clients came past the guard');
    assert.equal(count('allowed-past'), count('allowed-arriving'), 'packets of allowed clients were refused');
    assert.equal(count('open-past'), count('open-arriving'), 'packets to an open address were refused');
    assert.equal(count('open-leaving'), count('open-replying'), 'replies from an open address were cut');
    assert.equal(count('allowed-leaving'), count('allowed-replying'), 'replies to allowed clients were cut');
    assert.ok(count('refused-arriving') > 1000 && count('allowed-arriving') > 1000, 'both kinds of clients sent');
    assert.ok(count('allowed-replying') > 1000 && count('open-replying') > 100, 'the servers answered');
    const refused = new Set(FAMILIES.flatMap((family) => REFUSED[family]));
    const guarded = new Set<number>([...GUARDED, TRANSLATED.to]);
    const reached = came.filter((line) => {
      const [, port, source = ''] = line.split(' ');
      return guarded.has(Number(port)) && refused.has(source);
    });
    assert.deepEqual(reached, [], 'refused clients reached a server');
    assert.deepEqual(
      sent.filter((line) => /^wrongly-\S+ [1-9]/.test(line)),
      [],
      'connections that went wrong',
    );
  } finally {
    for (const each of running) each.kill();
    await field.close();
  }
};

interface Report {
  readonly changes: number;
  readonly transactions: number;
  readonly sweeps: number;
  readonly seconds: number;
  /** Milliseconds since 1970. */
  readonly ended: readonly number[];
}

const summary = (
  { changes, transactions, sweeps, seconds }: Report,
  counts: ReadonlyMap<string, number>,
  sent: readonly string[],
): string => {
  const total = (word: string): number =>
    sent.reduce((sum, line) => sum + (line.startsWith(`${word} `) ? Number(line.split(' ')[1]) : 0), 0);
  const count = (name: string): number => counts.get(name) ?? 0;
  return [
    `${changes} changes in ${seconds.toFixed(1)} s (${transactions} transactions, ${sweeps} sweeps)`,
    `${count('allowed-arriving')} packets of allowed clients, ${count('refused-arriving')} of refused ones, ${count('open-arriving')} to an open address`,
    `${total('connected')} connections stood, ${total('refused') + total('timeout')} did not`,
    `${count('allowed-replying')} replies, ${count('open-replying')} open`,
  ].join('; ');
};
