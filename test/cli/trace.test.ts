import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { labDown, labExec, labUp } from '../../src/lab/lab.ts';
import type { Mode } from '../../src/lab/mode.ts';
import { programFile } from '../../src/lab/needs.ts';
import { namespaceOf } from '../../src/lab/place.ts';
import { probe } from '../../src/lab/probe.ts';
import { talk } from '../../src/lab/talk.ts';
import { PORTCULLIS } from '../support/portcullis.ts';

const LAB = 'trace';

const MODES: readonly Mode[] = ['nftables', 'iptables-nft', 'iptables-legacy'];

/**
 * Runs the command on the lab's node until it says that it waits, then lets something happen, and gives what it
 * printed.
 */
const traceWhile = async (
  argv: readonly string[],
  happens: (child: ChildProcess) => unknown = () => undefined,
  env: Readonly<Record<string, string>> = {},
) => {
  const child = spawn(
    'ip',
    ['netns', 'exec', namespaceOf(LAB, 'node-1'), 'env', ...envWords(env), ...PORTCULLIS, ...argv],
    { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  const out = { stdout: '', stderr: '' };
  const happened: unknown[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text;
    if (happened.length === 0 && out.stderr.includes('waiting for a packet')) happened.push(happens(child));
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  await Promise.all(happened);
  return { ...out, status };
};

const envWords = (env: Readonly<Record<string, string>>) =>
  Object.entries(env).map(([key, value]) => `${key}=${value}`);

const FROM_OUTSIDE = ['trace', '--from', '198.51.100.2', '--to', '192.0.2.10:30001'];

const packetTo = (to: string, port: number) => () =>
  probe(LAB, [{ from: 'outside-a', to, port, protocol: 'tcp', timeoutMs: 3000 }]);

const packet = packetTo('192.0.2.10', 30001);

const onNode = async (...argv: readonly [string, ...string[]]): Promise<string> =>
  (await labExec(LAB, 'node-1', argv)).stdout;

/** Where this namespace's log messages about packets go, by family. */
const LOGGERS = ['cat', '/proc/sys/net/netfilter/nf_log/2', '/proc/sys/net/netfilter/nf_log/10'] as const;

/** What must be as it was: the tables, where log messages go, and that nobody reads them there. */
const kernelState = async () => ({
  tables: await onNode('nft', 'list', 'tables'),
  loggers: await onNode(...LOGGERS),
  readers: await onNode('cat', '/proc/net/netfilter/nfnetlink_log'),
});

for (const mode of MODES)
  describe(`the kernel's own trace of one packet, ${mode} mode`, () => {
    let earlier: Awaited<ReturnType<typeof kernelState>>;
    before(async () => {
      assert.ok((await labUp(LAB, { mode })).ok);
      earlier = await kernelState();
    });
    after(() => labDown(LAB));

    test('a packet from outside is shown as the kernel told it, and the simulation says the same', async () => {
      const { stdout, stderr, status } = await traceWhile(FROM_OUTSIDE, packet);
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /node port 30001 \(shop\/frontend:http\), as the kernel told it/);
      assert.match(stdout, /prerouting[^]*forward[^]*postrouting/);
      assert.match(stdout, /the simulation says the same/);
      assert.equal(/\(legacy\)/.test(stdout), mode === 'iptables-legacy');
    });

    test('a packet of a connection that was there before: that is said, and compared as one', async () => {
      const held = talk(LAB, { from: 'outside-a', to: '192.0.2.10', port: 30001, protocol: 'tcp' });
      assert.equal(await held.hear(5000), 'open');
      assert.notEqual(await held.say('before', 5000), null);
      const { stdout, stderr, status } = await traceWhile(FROM_OUTSIDE, () => held.say('while it is traced', 5000));
      await held.close();
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /the simulation says the same: it is a packet of a connection that was there before/);
    });

    test("the node's own packet is sent by the command itself", async () => {
      const { stdout, status } = await traceWhile(['trace', '--from', 'node', '--to', '10.96.10.1:80']);
      assert.equal(status, 0, stdout);
      assert.match(stdout, /output[^]*the simulation says the same/);
    });

    test('a packet of the node to itself is followed over lo', async () => {
      const { stdout, status } = await traceWhile(['trace', '--from', 'node', '--to', '192.0.2.10:22']);
      assert.equal(status, 0, stdout);
      assert.match(stdout, /output[^]*input[^]*the simulation says the same/);
    });

    test('without a packet it ends with status 1 and says that none came', async () => {
      const argv = ['trace', '--from', '198.51.100.3', '--to', '192.0.2.10:30001', '--wait', '1s'];
      const { stderr, status } = await traceWhile(argv);
      assert.deepEqual([status, stderr.includes('no packet of that flow came within 1s')], [1, true]);
    });

    for (const signal of mode === 'iptables-legacy' ? (['SIGINT', 'SIGTERM'] as const) : (['SIGINT'] as const))
      test(`${signal} ends it, and it disarms`, async () => {
        let meanwhile = earlier;
        const { stderr, status } = await traceWhile(FROM_OUTSIDE, async (child) => {
          meanwhile = await kernelState();
          // As from a terminal: to all its programs. A second one does not keep it from cleaning up.
          for (let count = 0; count < 2; count++) process.kill(-(child.pid ?? Number.NaN), signal);
        });
        assert.match(meanwhile.tables, /portcullis_trace/);
        // Only where legacy iptables has rules its messages are read.
        assert.equal(meanwhile.readers !== '', mode === 'iptables-legacy');
        assert.equal(meanwhile.loggers !== earlier.loggers, mode === 'iptables-legacy');
        assert.deepEqual([status, stderr.includes('no packet of that flow came before the interruption')], [1, true]);
        assert.deepEqual(await kernelState(), earlier);
      });

    test('nothing of it stays in the kernel', async () => {
      assert.deepEqual(await kernelState(), earlier);
      assert.doesNotMatch(earlier.tables, /portcullis/);
    });
  });

/** Chains of nftables and of iptables-nft around and between those of legacy iptables. */
const BESIDE = `table inet beside {
  chain early { type filter hook prerouting priority -310; tcp dport 30001 counter; }
  chain through { type filter hook forward priority 0; ip daddr 10.244.0.0/16 jump pods; }
  chain pods { tcp dport 8080 counter accept; }
  chain in { type filter hook input priority 0; tcp dport 22 counter; }
  chain late { type filter hook postrouting priority 300; tcp dport 8080 counter; }
}
`;

describe("the kernel's own trace of one packet, all kinds of rules on one node", () => {
  before(async () => {
    assert.ok((await labUp(LAB, { mode: 'iptables-legacy' })).ok);
    await labExec(LAB, 'node-1', ['nft', '-f', '-'], BESIDE);
    await onNode('iptables-nft', '-A', 'FORWARD', '-p', 'tcp', '--dport', '8080', '-m', 'comment', '--comment', 'x');
  });
  after(() => labDown(LAB));

  test('they are in one tree, in the order of the hooks and priorities', async () => {
    const { stdout, stderr, status } = await traceWhile([...FROM_OUTSIDE, '--no-texts'], packet);
    assert.equal(status, 0, stdout + stderr);
    const order = [
      'inet beside early',
      'ip raw PREROUTING (legacy)',
      'ip nat PREROUTING (legacy)',
      'ip mangle FORWARD (legacy)',
      'inet beside through',
      'ip nat POSTROUTING (legacy)',
      'inet beside late',
    ].map((name) => stdout.indexOf(name));
    assert.ok(!order.includes(-1), stdout);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      stdout,
    );
    assert.match(
      stdout,
      /ip filter FORWARD {2,}198[^]*ip filter FORWARD \(legacy\)|ip filter FORWARD \(legacy\)[^]*ip filter FORWARD {2,}198/,
    );
    assert.match(stdout, /KUBE-SEP-\w+ 2 {2}rewrites the destination/);
    assert.match(stdout, /the simulation says the same/);
  });

  test('over lo as well', async () => {
    const { stdout, status } = await traceWhile(['trace', '--from', 'node', '--to', '192.0.2.10:22', '--no-texts']);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /output[^]*late[^]*prerouting[^]*early[^]*raw PREROUTING \(legacy\)[^]*input[^]*beside in/);
  });

  test('of IPv6 as well', async () => {
    const to = '2001:db8:0:2::10';
    const argv = ['trace', '--from', '2001:db8:0:198::2', '--to', `[${to}]:30006`, '--no-texts'];
    const { stdout, stderr, status } = await traceWhile(argv, packetTo(to, 30006));
    assert.equal(status, 0, stdout + stderr);
    assert.match(
      stdout,
      /inet beside early[^]*ip6 nat PREROUTING \(legacy\)[^]*KUBE-SEP-[^]*the simulation says the same/,
    );
  });

  test('as data, what the kernel told stands in that order too', async () => {
    const { stdout, status } = await traceWhile([...FROM_OUTSIDE, '-o', 'json'], packet);
    const told = JSON.parse(stdout) as { agrees: boolean; events: { engine: string; table: string }[] };
    assert.deepEqual([status, told.agrees, told.events[0]?.table], [0, true, 'beside']);
    assert.deepEqual(new Set(told.events.map(({ engine }) => engine)), new Set(['nft', 'iptables-legacy']));
  });

  test('where another program reads the log, it says so and leaves it as it was', async () => {
    const other = spawn('ip', ['netns', 'exec', namespaceOf(LAB, 'node-1'), 'tcpdump', '-i', 'nflog:0', '-w', '-']);
    await once(other.stderr, 'data');
    const earlier = await kernelState();
    const { stdout, stderr, status } = await traceWhile(FROM_OUTSIDE, packet);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stderr, /legacy iptables are missing here, because another program reads the kernel's packet log/);
    assert.deepEqual(await kernelState(), earlier);
    other.kill('SIGKILL');
    await once(other, 'close');
  });

  describe('without tcpdump', () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-trace-'));
    before(() => {
      for (const program of [
        'nft',
        'ip',
        'iptables-legacy-save',
        'ip6tables-legacy-save',
        'iptables-nft-save',
        'sysctl',
      ]) {
        const file = programFile(program);
        if (file !== undefined) symlinkSync(file, join(folder, program));
      }
    });
    after(() => rmSync(folder, { recursive: true }));

    test('the rest is traced, and one sentence says what is missing', async () => {
      const { stdout, stderr, status } = await traceWhile(FROM_OUTSIDE, packet, { PATH: folder });
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /inet beside early[^]*inet beside late[^]*the simulation says the same/);
      assert.doesNotMatch(stdout, /\(legacy\)/);
      assert.match(
        stderr,
        /legacy iptables are missing here, because tcpdump is not installed \(apt-get install tcpdump\)/,
      );
    });
  });
});
