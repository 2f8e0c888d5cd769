import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kernelHasIpvs } from '../../src/lab/kernel-features.ts';
import { labDown, labUp } from '../../src/lab/lab.ts';
import { MODES, type Mode } from '../../src/lab/mode.ts';
import { namespaceOf, type Place } from '../../src/lab/place.ts';
import { probe } from '../../src/lab/probe.ts';
import { talk } from '../../src/lab/talk.ts';
import { nodeProgram } from '../support/bundled.ts';
import { noKernel } from '../support/namespace.ts';
import { addressOf } from './matrix-cells.ts';

// What the kernel tells of its own way with a packet, and what the simulation says of the same packet, hop by hop; in
// every mode.

const PROGRAM = fileURLToPath(new URL('../support/trace-flows.ts', import.meta.url));

/** Who asks whom. `node`: a program of the node itself. */
const FLOWS: readonly (readonly [from: Place | 'node', to: string])[] = [
  ['outside-a', '192.0.2.10:30001'],
  ['outside-a', '192.0.2.10:30003'],
  ['outside-a', '192.0.2.10:30004'],
  ['outside-a', '192.0.2.10:30005'],
  ['outside-a', '192.0.2.10:30053/udp'],
  ['outside-a', '[2001:db8:0:2::10]:30006'],
  ['outside-a', '192.0.2.200:443'],
  ['outside-d', '192.0.2.200:443'],
  ['outside-a', '192.0.2.10:29999'],
  ['pod-99', '10.96.10.1:80'],
  ['pod-64', '10.96.10.1:80'],
  ['node', '10.96.10.1:80'],
  ['node', '192.0.2.10:30001'],
];

/** Connections that stand already when their next packet is followed. */
const STANDING: readonly (readonly [from: Place, to: string])[] = [['outside-a', '192.0.2.10:30001']];
/** For a connection in an emulated machine. */
const WORD_MS = 60_000;

const HAS_IPVS = await kernelHasIpvs();

describe('the simulation goes the way that the kernel tells', { skip: noKernel }, () => {
  for (const mode of MODES)
    if (mode !== 'ipvs' || HAS_IPVS) test(`kube-proxy’s rules, mode ${mode}, on this kernel`, () => follow(mode));
});

interface Told {
  readonly visits: readonly string[];
  readonly agrees: boolean;
  readonly difference: string | null;
}

const follow = async (mode: Mode): Promise<void> => {
  const lab = `follow-${mode}`;
  const up = await labUp(lab, { mode });
  assert.ok(up.ok, JSON.stringify(up));
  const child = spawn('ip', ['netns', 'exec', namespaceOf(lab, 'node-1'), ...nodeProgram(PROGRAM)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  try {
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => {
      const { value, done } = await lines.next();
      assert.ok(done !== true, 'the program on the node has ended');
      return value;
    };
    assert.equal(await next(), 'loaded');
    const goesAsSimulated = async (
      from: Place | 'node',
      to: string,
      state: 'new' | 'established',
      send: () => Promise<unknown>,
    ): Promise<void> => {
      child.stdin.write(`${senderOf(from, to)} ${to} ${state}\n`);
      let line = await next();
      if (line === 'ready') {
        await send();
        line = await next();
      }
      const told = JSON.parse(line) as Told;
      const flow = `${state}: ${from} → ${to}`;
      assert.deepEqual([told.agrees, told.difference], [true, null], `${flow}: ${told.visits.join(', ')}`);
      assert.ok(told.visits.length > 0, flow);
    };
    for (const [from, to] of FLOWS) await goesAsSimulated(from, to, 'new', () => sendFrom(lab, from as Place, to));
    for (const [from, to] of STANDING) {
      const connection = talk(lab, { from, ...destinationOf(to) });
      try {
        assert.equal(await connection.hear(WORD_MS), 'open');
        assert.notEqual(await connection.say('before', WORD_MS), null);
        await goesAsSimulated(from, to, 'established', () => connection.say('word', WORD_MS));
      } finally {
        await connection.close();
      }
    }
  } finally {
    child.stdin.end();
    child.kill('SIGTERM');
    await ended;
    await labDown(lab);
  }
};

const familyOf = (to: string): 4 | 6 => (to.startsWith('[') ? 6 : 4);

const senderOf = (from: Place | 'node', to: string): string =>
  from === 'node' ? 'node' : `${from.startsWith('pod-') ? 'pod:' : ''}${addressOf(from, familyOf(to))}`;

const destinationOf = (to: string) => {
  const [, six, four, port = '', protocol = 'tcp'] = /^(?:\[(.*)\]|([\d.]+)):(\d+)(?:\/(\w+))?$/.exec(to) ?? [];
  return { to: six ?? four ?? '', port: Number(port), protocol: protocol as 'tcp' | 'udp' };
};

const sendFrom = async (lab: string, from: Place, to: string): Promise<void> => {
  const sent = await probe(lab, [{ from, ...destinationOf(to), timeoutMs: 1500 }]);
  assert.ok(sent.ok, JSON.stringify(sent));
};
