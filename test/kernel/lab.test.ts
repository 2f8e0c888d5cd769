import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runCommand } from '../../src/lab/command.ts';
import { labDown, labExec, labUp } from '../../src/lab/lab.ts';
import { probe, type Probe } from '../../src/lab/probe.ts';
import { talk } from '../../src/lab/talk.ts';

const LAB = 'lab-test';
const CLIENT: Probe = { from: 'outside-a', protocol: 'tcp', to: '192.0.2.10', port: 30001 };

const namespaces = async (): Promise<string[]> => {
  const { stdout } = await runCommand({ argv: ['ip', 'netns', 'list'] });
  return stdout.split('\n').filter((line) => line.startsWith(`pclab-${LAB}-`));
};

describe('a lab on this kernel', () => {
  test('is built over what a failed run left, and leaves nothing', async () => {
    await runCommand({ argv: ['ip', 'netns', 'add', `pclab-${LAB}-node-1`] });
    const up = await labUp(LAB, { mode: 'nftables' });
    assert.ok(up.ok, JSON.stringify(up));
    assert.equal((await namespaces()).length, 15);
    assert.deepEqual(await labDown(LAB), { ok: true, value: true, warnings: [] });
    assert.deepEqual(await namespaces(), []);
    assert.deepEqual(
      await labDown(LAB),
      { ok: true, value: false, warnings: [] },
      'a second time there is nothing to do',
    );
  });

  for (const name of ['', 'A', 'a/b', '-a', 'x'.repeat(33)])
    test(`cannot be called '${name}'`, async () => {
      const up = await labUp(name, { mode: 'nftables' });
      assert.deepEqual(up.ok ? [] : up.problems.map(({ code }) => code), ['lab-name']);
    });
});

describe('a lab that stands', () => {
  before(async () => {
    const up = await labUp(LAB, { mode: 'nftables' });
    assert.ok(up.ok, JSON.stringify(up));
  });
  after(() => labDown(LAB));

  test('runs programs in its places, with their input and status', async () => {
    assert.deepEqual(await labExec(LAB, 'outside-a', ['perl', '-e', 'print <STDIN>; exit 7'], 'hello'), {
      status: 7,
      stdout: 'hello',
      stderr: '',
    });
  });

  test('has servers that go on talking, and send by themselves when asked to', async () => {
    for (const client of [CLIENT, { ...CLIENT, protocol: 'udp', port: 30053 } as const]) {
      const held = talk(LAB, client);
      assert.equal(await held.hear(5000), 'open');
      assert.match((await held.say('one', 5000)) ?? '', / one$/);
      assert.match((await held.say('push 20', 5000)) ?? '', / push 20$/);
      assert.match((await held.hear(5000)) ?? '', / pushed$/);
      assert.match((await held.hear(5000)) ?? '', / pushed$/);
      await held.close();
    }
    const closed = talk(LAB, { ...CLIENT, port: 30999 });
    assert.equal(await closed.hear(5000), 'lost refused');
    await closed.close();
  });

  test('probes from a source address and port that the probe names', async () => {
    const seen = await probe(LAB, [{ ...CLIENT, port: 30003, source: '198.51.100.2', sourcePort: 4321 }]);
    assert.deepEqual(seen.ok && seen.value, [
      { outcome: 'connected', endpoint: '10.244.1.64:8080', sourceSeen: '198.51.100.2' },
    ]);
    const taken = await probe(LAB, [{ ...CLIENT, source: '198.51.100.200' }]);
    assert.deepEqual(taken.ok && taken.value.map(({ outcome }) => outcome), ['error: Cannot assign requested address']);
  });
});
