import { createInterface } from 'node:readline';
import { readDestination, readSender } from '../../src/explain/question/packet-request.ts';
import { resolvePacket } from '../../src/explain/question/resolve-packet.ts';
import { takeSnapshot } from '../../src/kernel/snapshot.ts';
import { traceFlow } from '../../src/kernel/trace-flow.ts';
import { ranges } from '../../src/net/prefix-set.ts';
import { readDumps } from '../../src/parse/read-dumps.ts';
import { snapshotSources } from '../../src/parse/snapshot.ts';
import { hasRules } from '../../src/ruleset/ruleset.ts';
import { compareWays } from '../../src/kernel-trace/compare-ways.ts';
import { good } from './good.ts';

// Runs on a lab's node. For each line `FROM TO new|established` it traces that flow's next packet in the kernel, says
// `ready` when the packet may come, and answers with a line of JSON: whether the simulation of this node, as it was at
// the start, goes the same way.

const { ruleset } = good(readDumps(snapshotSources(await takeSnapshot())));
const never = new AbortController();
const legacy = hasRules(ruleset, 'iptables-legacy');
console.log('loaded');
for await (const line of createInterface(process.stdin)) {
  const [from = '', to = '', said = ''] = line.split(' ');
  const state = said === 'established' ? 'established' : 'new';
  const [sender, destination] = [good(readSender(from)), good(readDestination(to))];
  const packet = good(resolvePacket(ruleset, { from: sender, ...destination, in: null, state, sourcePort: null }));
  const [source] = [...ranges(packet.sources)];
  const traced = good(
    await traceFlow(
      {
        source: { family: packet.family, value: source?.first ?? 0n },
        destination: destination.to,
        protocol: destination.protocol,
        port: destination.port,
        fromNode: sender.kind === 'node',
      },
      { waitMs: 60_000, signal: never.signal, legacy, ready: () => console.log('ready') },
    ),
  );
  const { hops, compared } =
    traced === null
      ? { hops: [], compared: { agrees: false, difference: 'no packet came' } as const }
      : compareWays(ruleset, packet, traced);
  console.log(
    JSON.stringify({
      visits: hops.map(({ engine, table, chain }) => `${engine} ${table} ${chain}`),
      agrees: compared.agrees,
      difference: compared.agrees ? (traced?.legacyMissing ?? null) : compared.difference,
    }),
  );
}
