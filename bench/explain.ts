import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findExposures } from '../src/audit/exposures/find-exposures.ts';
import { nodeAddresses, outerInterfaces } from '../src/audit/reach/entries.ts';
import { summarize } from '../src/explain/path/trace-summary.ts';
import { traceTree } from '../src/explain/path/trace-tree.ts';
import { traceView } from '../src/explain/path/trace-view.ts';
import { printTree } from '../src/explain/words/tree-line.ts';
import { formatAddress } from '../src/net/address.ts';
import { PROTOCOL_NUMBER } from '../src/net/protocol.ts';
import { onePacket } from '../src/simulate/state/packet-set.ts';
import { simulate } from '../src/simulate/simulate.ts';
import { childrenTime, line, median, milliseconds, processorTime } from './measure.ts';
import { GIVEN_NODE, largeDumps, rulesetOf } from './node-dumps.ts';

const PROGRAM = fileURLToPath(new URL('../bin/portcullis.js', import.meta.url));
const PACKETS = 3_000;
const BATCH = 10_000;

/** The sources are spread over the documentation networks and more, the same in every run. */
const sourceOf = (index: number): bigint => 0xcb00_7100n + BigInt((index * 7919) % 65_536);

const dumps = largeDumps();
const ruleset = rulesetOf(dumps);
const ports = findExposures(ruleset).filter(({ kind, family }) => kind === 'NodePort' && family === 4);
const [destination] = nodeAddresses(ruleset.host, 4);
const [door = 'eth0'] = outerInterfaces(ruleset.host, 4);
if (destination === undefined || ports.length === 0) throw new Error('the dumps show no node port or address');

const portOf = (index: number): (typeof ports)[number] => {
  const port = ports[(index * 613) % ports.length];
  if (port === undefined) throw new Error('no port');
  return port;
};

const plain = (_kind: unknown, text: string): string => text;

/** One packet, to the text that a person reads. */
const explainOne = (index: number): void => {
  const port = portOf(index);
  const trace = simulate(
    ruleset,
    onePacket({
      source: { family: 4, value: sourceOf(index) },
      destination,
      protocol: PROTOCOL_NUMBER[port.protocol],
      destinationPort: port.port,
      entry: { kind: 'interface', name: door },
    }),
  );
  const view = traceView(trace);
  summarize(view, 'somebody');
  printTree(traceTree(view), { texts: true, paint: plain });
};

const times: number[] = [];
const first = performance.now();
explainOne(0);
const cold = performance.now() - first;
// Until then the compiler works beside, and its time counts as well.
for (let index = 1; index < PACKETS; index++) explainOne(index);
for (let index = 0; index < PACKETS; index++) times.push(processorTime(() => explainOne(index)));
const sorted = times.toSorted((a, b) => a - b);
const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? NaN;
line(`one packet to one of ${ports.length} node ports, the first of all`, milliseconds(cold));
line('  thousands after it, processor time: median', milliseconds(median(times)), '<= 1 ms', median(times) <= 1);
line('  p95', milliseconds(p95), '<= 1 ms', p95 <= 1);

/** Processor time of `portcullis explain --batch` with so many packets, loading included. */
const batch = (folder: string, name: string, packets: number): number => {
  const file = join(folder, `${name}.jsonl`);
  const request = (index: number) => ({
    from: formatAddress({ family: 4, value: sourceOf(index) }),
    to: `${formatAddress(destination)}:${portOf(index).port}/${portOf(index).protocol}`,
    in: door,
  });
  writeFileSync(file, Array.from({ length: packets }, (_, index) => `${JSON.stringify(request(index))}\n`).join(''));
  return childrenTime(() => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [PROGRAM, 'explain', '--snapshot', GIVEN_NODE ?? join(folder, 'dumps'), '--batch', file],
      { encoding: 'utf8', maxBuffer: 2 ** 30 },
    );
    if (status !== 0 || stdout.split('\n').length !== packets + 1) throw new Error(stderr.slice(0, 500));
  });
};

const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
try {
  if (GIVEN_NODE === undefined) {
    mkdirSync(join(folder, 'dumps'));
    for (const { name, text } of dumps) writeFileSync(join(folder, 'dumps', name), text);
  }
  const [loading, all] = [batch(folder, 'one', 1), batch(folder, 'many', BATCH)];
  const took = all - loading;
  line('portcullis explain --batch of one packet: loading', milliseconds(loading));
  line(`  of ${BATCH} packets, without loading`, milliseconds(took), '<= 5000 ms', took <= 5000);
} finally {
  rmSync(folder, { recursive: true });
}
