import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { labExec } from '../../src/lab/lab.ts';
import { talk, type Talk } from '../../src/lab/talk.ts';
import { watchFlows } from '../support/flow-watch.ts';
import { withGuardedLab, type GuardedLab } from '../support/guarded-lab.ts';
import { expectOutcomes, serveIn, type Expected } from '../support/lab-servers.ts';
import { noKernel } from '../support/namespace.ts';
import { admin } from '../support/policies.ts';

// What becomes of the guard when the table of connections is emptied, or full.

const NODE = '192.0.2.10';
const HOST_PORT = 31_500;
const SPOOF = fileURLToPath(new URL('../support/spoof.pl', import.meta.url));
/** Only the first network namespace of a kernel has this setting, for all of them: a virtual machine's is our own. */
const MOST = '/proc/sys/net/netfilter/nf_conntrack_max';

describe('the table of connections', { skip: noKernel }, () => {
  test('emptied: who was cut stays cut, but for those whose server goes on sending (README, Limits)', () =>
    withGuardedLab('traps-flush', 'nftables', flushed));

  // The size of the table is one for all namespaces of a kernel: it is made small in a virtual machine
  // (test/machines/rows.ts).
  if (process.env['PORTCULLIS_OWN_KERNEL'] === 'yes')
    test('full, on a kernel of its own: nobody refused gets in', () => withGuardedLab('traps-full', 'nftables', full));
});

/** An answer of a living connection: a bound for a slow machine. */
const WORD_MS = 60_000;
const SILENCE_MS = 700;

const opened = async (lab: GuardedLab, protocol: 'tcp' | 'udp', port: number, sourcePort: number): Promise<Talk> => {
  const connection = talk(lab.name, { from: 'outside-b', protocol, to: NODE, port, sourcePort });
  assert.equal(await connection.hear(WORD_MS), 'open');
  assert.ok(await connection.say('before', WORD_MS));
  return connection;
};

const guard = (...rules: readonly string[]) =>
  admin('traps', 1, [...rules, 'Deny everyone'], { subject: { ports: [`${HOST_PORT}`, '30001', '30053'] } });

/** Waits until a connection is silent: what is under way may still arrive. */
const becomesSilent = async (connection: Talk, what: string): Promise<void> => {
  for (let tries = 0; tries < 40; tries++) {
    connection.forget();
    if ((await connection.hear(SILENCE_MS)) === null) return;
  }
  assert.fail(`${what} is not cut`);
};

const flushed = async (lab: GuardedLab): Promise<void> => {
  await serveIn(lab.name, 'node-1', `tcp,${NODE},${HOST_PORT},host`, `udp,${NODE},${HOST_PORT},host`);
  const connections = {
    'idle, to a pod': await opened(lab, 'tcp', 30_001, 40_001),
    'idle, to a pod by UDP': await opened(lab, 'udp', 30_053, 40_002),
    'idle, to the node itself': await opened(lab, 'tcp', HOST_PORT, 40_003),
    'idle, to the node itself by UDP': await opened(lab, 'udp', HOST_PORT, 40_004),
    'pushed to, from a pod': await opened(lab, 'tcp', 30_001, 40_005),
  };
  const pushing = await opened(lab, 'tcp', HOST_PORT, 40_006);
  try {
    assert.ok(await connections['pushed to, from a pod'].say('push 50', WORD_MS));
    assert.ok(await pushing.say('push 50', WORD_MS));
    // By the command, because what it finds tracked decides which replies are judged.
    for (const port of ['30001', '30053', `${HOST_PORT}`]) {
      const { status, stdout, stderr } = await lab.portcullis('restrict', port, '--from', '203.0.113.7/32');
      assert.equal(status, 0, stdout + stderr);
    }
    await becomesSilent(pushing, 'pushed to, from the node itself');
    await becomesSilent(connections['pushed to, from a pod'], 'pushed to, from a pod');
    await lab.onNode(['conntrack', '-F']);
    for (const [what, connection] of Object.entries(connections)) {
      connection.forget();
      assert.equal(await connection.say('after', SILENCE_MS), null, what);
    }
    // The server's next packet begins an entry in which the client is the one who answers. It comes when TCP sends it
    // once more.
    assert.ok(await pushing.hear(WORD_MS), 'this limit is gone: take it out of README.md');
    await expectOutcomes(lab.name, 'a new connection', [
      { from: 'outside-b', protocol: 'tcp', to: NODE, port: HOST_PORT, outcome: 'timeout' },
      { from: 'outside-d', protocol: 'tcp', to: NODE, port: HOST_PORT, outcome: 'connected' },
    ]);
  } finally {
    for (const connection of [...Object.values(connections), pushing]) await connection.close();
  }
};

const full = async (lab: GuardedLab): Promise<void> => {
  assert.ok(existsSync(MOST));
  const before = readFileSync(MOST, 'utf8');
  const watch = await watchFlows(lab.name, 'node-1', 'behind the guard');
  await lab.apply(guard('Accept 198.51.100.2/32'));
  const refused = (): readonly Expected[] =>
    (['tcp', 'udp'] as const).flatMap((protocol) =>
      [HOST_PORT, 30_001, 30_053].map((port): Expected => ({
        from: 'outside-b',
        protocol,
        to: NODE,
        port,
        outcome: 'timeout',
      })),
    );
  try {
    writeFileSync(MOST, '64');
    // To a port that nothing guards: these are tracked.
    const flood = ['udp', '100.64.0.0', '500', NODE, '32001'] as const;
    const { status, stderr } = await labExec(lab.name, 'same-lan', ['perl', SPOOF, ...flood]);
    assert.equal(status, 0, stderr);
    assert.ok(Number(await lab.onNode(['conntrack', '-C'])) >= 60, 'the table is full');
    await expectOutcomes(lab.name, 'the table is full', refused());
  } finally {
    writeFileSync(MOST, before);
  }
  const passed = [...(await watch.seen()).keys()];
  assert.deepEqual(
    passed.filter((key) => key.startsWith('198.51.100.9 ')),
    [],
  );
  await lab.onNode(['conntrack', '-F']);
  await expectOutcomes(lab.name, 'the table has room again', [
    ...refused(),
    { from: 'outside-a', protocol: 'tcp', to: NODE, port: 30_001, outcome: 'connected' },
  ]);
};
