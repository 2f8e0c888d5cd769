import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { after, before, describe, test } from 'node:test';
import { labDown, labExec, labUp } from '../../src/lab/lab.ts';
import type { Mode } from '../../src/lab/mode.ts';
import { namespaceOf } from '../../src/lab/place.ts';
import { probe } from '../../src/lab/probe.ts';

const LAB = 'trace';
const PORTCULLIS = fileURLToPath(new URL('../../bin/portcullis.js', import.meta.url));

const MODES: readonly Mode[] = ['nftables', 'iptables-nft'];

/** Runs the command on the lab's node until it says that it waits, then lets a packet come, and gives what it printed. */
const traceWhile = async (argv: readonly string[], packet: () => Promise<unknown>) => {
  const child = spawn('ip', ['netns', 'exec', namespaceOf(LAB, 'node-1'), process.execPath, PORTCULLIS, ...argv]);
  const out = { stdout: '', stderr: '' };
  const sent: Promise<unknown>[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text;
    if (sent.length === 0 && out.stderr.includes('waiting for a packet')) sent.push(packet());
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  await Promise.all(sent);
  return { ...out, status };
};

for (const mode of MODES)
  describe(`the kernel's own trace of one packet, ${mode} mode`, () => {
    before(async () => assert.ok((await labUp(LAB, { mode })).ok));
    after(() => labDown(LAB));

    test('a packet from outside is shown as the kernel told it, and the simulation says the same', async () => {
      const { stdout, stderr, status } = await traceWhile(
        ['trace', '--from', '198.51.100.2', '--to', '192.0.2.10:30001'],
        () => probe(LAB, [{ from: 'outside-a', to: '192.0.2.10', port: 30001, protocol: 'tcp', timeoutMs: 3000 }]),
      );
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /node port 30001 \(shop\/frontend:http\), as the kernel told it/);
      assert.match(stdout, /prerouting[^]*forward[^]*postrouting/);
      assert.match(stdout, /the simulation says the same/);
    });

    test("the node's own packet is sent by the command itself", async () => {
      const { stdout, status } = await traceWhile(['trace', '--from', 'node', '--to', '10.96.10.1:80'], () =>
        Promise.resolve(),
      );
      assert.equal(status, 0, stdout);
      assert.match(stdout, /output[^]*the simulation says the same/);
    });

    test('without a packet it ends with status 1 and says that none came', async () => {
      const { stderr, status } = await traceWhile(
        ['trace', '--from', '198.51.100.3', '--to', '192.0.2.10:30001', '--wait', '1s'],
        () => Promise.resolve(),
      );
      assert.deepEqual([status, stderr.includes('no packet of that flow came within 1s')], [1, true]);
    });

    test('nothing of it stays in the kernel', async () => {
      const { stdout } = await labExec(LAB, 'node-1', ['nft', 'list', 'tables']);
      assert.doesNotMatch(stdout, /portcullis/);
    });
  });
