import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { guardsOf } from '../../src/access/guard-of.ts';
import type { Access } from '../../src/access/model.ts';
import { compileTable } from '../../src/compile/table/compile-table.ts';
import { planChange } from '../../src/compile/plan/plan-change.ts';
import { printTransaction } from '../../src/compile/plan/print-transaction.ts';
import { formatAddress } from '../../src/net/address.ts';
import { hasAddress, ofFamily } from '../../src/net/address-set.ts';
import { FAMILIES, type Family } from '../../src/net/family.ts';
import { ranges } from '../../src/net/prefix-set.ts';
import { PROTOCOL_NUMBER, PROTOCOLS, type Protocol } from '../../src/net/protocol.ts';
import { parseNftJson } from '../../src/parse/nft/nft-json.ts';
import type { Table } from '../../src/ruleset/table.ts';
import { address } from '../support/address.ts';
import { nodeProgram } from '../support/bundled.ts';
import { makeNamespace, mustRun, noKernel, removeNamespace, type Namespace } from '../support/namespace.ts';
import { packetBytes } from '../support/raw-packet.ts';
import { anyAccess } from '../support/random-access.ts';

// Law 2 with real packets: a client that owns every address sends to a node at the edges of what random policies allow.
// Behind the guard, still in prerouting, the node notes each packet that came through. PACKETS_RUNS: how many random
// accesses, one after another; PACKETS_SEED: which; else it is left to chance.

const RUNS = Number(process.env['PACKETS_RUNS'] ?? 12);
const SEED = process.env['PACKETS_SEED'];

const [NODE, CLIENT] = ['pclab-packets-node', 'pclab-packets-client'];
const SENDER = fileURLToPath(new URL('../support/send-from.ts', import.meta.url));

const RAW_SENDER = fileURLToPath(new URL('../support/send-raw.pl', import.meta.url));

/** Sources of random accesses lie here (test/support/random-access.ts). */
const HOME: Readonly<Record<Family, string>> = { 4: '10.0.0.0/16', 6: '2001:db8::/119' };
const HOME_FIRST: Readonly<Record<Family, bigint>> = { 4: 0x0a00_0000n, 6: 0x2001_0db8n << 96n };
/** An address of the node, and a VIP that is local to it as well. */
const TO: Readonly<Record<Family, readonly string[]>> = {
  4: ['192.0.2.10', '192.0.2.200'],
  6: ['2001:db8:ff::10', '2001:db8::200'],
};
const PORTS = [
  80, 29_999, 30_000, 30_001, 30_002, 30_004, 30_005, 30_009, 30_010, 30_012, 30_015, 30_016, 30_020, 30_021,
];
const SOURCES = 14;

type Probe = readonly [protocol: Protocol, source: string, destination: string, port: number];
const keyOf = (probe: Probe): string => probe.join(' ');

const WITNESS = `table inet witness {
  set seen4 { type inet_proto . ipv4_addr . ipv4_addr . inet_service; flags dynamic; size 65535; }
  set seen6 { type inet_proto . ipv6_addr . ipv6_addr . inet_service; flags dynamic; size 65535; }
  chain after-the-guard {
    type filter hook prerouting priority -130;
    ct direction reply accept
    meta l4proto { tcp, udp, sctp } update @seen4 { meta l4proto . ip saddr . ip daddr . th dport }
    meta l4proto { tcp, udp, sctp } update @seen6 { meta l4proto . ip6 saddr . ip6 daddr . th dport }
  }
}
`;

const build = async (node: Namespace, client: Namespace): Promise<void> => {
  await mustRun(['ip', '-batch', '-'], `link add name eth0 netns ${NODE} type veth peer name eth0 netns ${CLIENT}\n`);
  for (const namespace of [node, client])
    await namespace.run(['ip', '-batch', '-'], 'link set lo up\nlink set eth0 up\n');
  await node.run(
    ['ip', '-batch', '-'],
    [
      'address add 192.0.2.10/24 dev eth0',
      'address add 192.0.2.200/32 dev lo',
      'address add 2001:db8:ff::10/64 dev eth0 nodad',
      'address add 2001:db8::200/128 dev lo nodad',
      'route add default via 192.0.2.1',
      'route add default via 2001:db8:ff::1',
      '',
    ].join('\n'),
  );
  await client.run(
    ['ip', '-batch', '-'],
    [
      'address add 192.0.2.1/24 dev eth0',
      'address add 2001:db8:ff::1/64 dev eth0 nodad',
      // Any address of these networks is the client's own, so that it can send from it.
      `route add local ${HOME[4]} dev lo`,
      'route add 192.0.2.200 via 192.0.2.10',
      `route add local ${HOME[6]} dev lo`,
      'route add 2001:db8::200 via 2001:db8:ff::10',
      '',
    ].join('\n'),
  );
  // IPv6 lets a socket be bound only to addresses of interfaces, unless told otherwise.
  await client.run(['sysctl', '--quiet', '-w', 'net.ipv6.ip_nonlocal_bind=1']);
  await node.run(['nft', '-f', '-'], WITNESS);
};

/**
 * Addresses at the edges of what the selections allow, within the client's networks; those that are the node's own left
 * out.
 */
const sourcesOf = (access: Access, family: Family): readonly string[] => {
  const [low, high] = [HOME_FIRST[family], HOME_FIRST[family] + 0x1ffn];
  const edges = new Set<bigint>([low, high]);
  for (const { allowed } of access.selections.values())
    for (const { first, last } of ranges(ofFamily(allowed, family)))
      for (const edge of [first - 1n, first, last, last + 1n]) if (edge >= low && edge <= high) edges.add(edge);
  const list = [...edges].map((value) => formatAddress({ family, value })).filter((text) => !TO[family].includes(text));
  // Evenly over all edges.
  return list.filter((_, index) => list.length <= SOURCES || index % Math.ceil(list.length / SOURCES) === 0);
};

/** The first packet of an association, as send-raw.pl takes it. */
const rawLine = ([, from, to, port]: Probe): string => {
  const [source, destination] = [address(from), address(to)];
  const packet = { source, destination, protocol: PROTOCOL_NUMBER.sctp, sourcePort: 40_000, destinationPort: port };
  const bytes = packetBytes({ ...packet, tcpFlags: 0, id: 0, ttl: 64, payload: 0 });
  return `${source.family} ${to} ${bytes.toString('hex')}\n`;
};

const isAllowed = (access: Access, [protocol, source, destination, port]: Probe): boolean => {
  const guard = guardsOf(access);
  const exposure = guard(protocol, port, address(destination)) ?? guard(protocol, port, 'local');
  const selection = access.selections.get(exposure?.selection ?? '');
  return selection === undefined || hasAddress(selection.allowed, address(source));
};

describe('law 2 against the kernel', { skip: noKernel }, () => {
  let node: Namespace;
  let sender: ChildProcess;
  let answers: Interface;
  /** This kernel may have no SCTP sockets; the packets of one can be sent all the same. */
  let raw: ChildProcess;
  let rawAnswers: Interface;
  let ended: Promise<unknown>;
  before(async () => {
    node = await makeNamespace(NODE);
    const client = await makeNamespace(CLIENT);
    await build(node, client);
    const [program, ...words] = client.inside;
    sender = spawn(program, [...words, ...nodeProgram(SENDER)], { stdio: ['pipe', 'pipe', 'inherit'] });
    ended = once(sender, 'exit');
    assert.ok(sender.stdout);
    answers = createInterface(sender.stdout);
    raw = spawn(program, [...words, 'perl', RAW_SENDER], { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(raw.stdout);
    rawAnswers = createInterface(raw.stdout);
  });
  after(async () => {
    sender.stdin?.end();
    raw.stdin?.end();
    await Promise.all([ended, once(raw, 'exit')]);
    await removeNamespace(NODE);
    await removeNamespace(CLIENT);
  });

  const send = async (probes: readonly Probe[]): Promise<void> => {
    const sctp = probes.filter(([protocol]) => protocol === 'sctp').map(rawLine);
    raw.stdin?.write(`${sctp.join('')}sync done\n`);
    const ready = [once(rawAnswers, 'line'), once(answers, 'line')];
    sender.stdin?.write(`${JSON.stringify(probes.filter(([protocol]) => protocol !== 'sctp'))}\n`);
    await Promise.race([Promise.all(ready), ended]);
    assert.equal(sender.exitCode, null, 'the sender has ended');
  };
  const list = async (table: string): Promise<Table | null> => {
    const parsed = parseNftJson(await node.run(['nft', '-j', 'list', 'table', 'inet', table]));
    assert.ok(parsed.ok);
    return parsed.value[0] ?? null;
  };
  /** What came through since the last look. */
  const seen = async (): Promise<ReadonlySet<string>> => {
    await sleep(20);
    const lines: string[] = [];
    for (const family of FAMILIES) {
      const json = await node.run(['nft', '-j', 'list', 'set', 'inet', 'witness', `seen${family}`]);
      for (const [, protocol, source, destination, port] of json.matchAll(
        /"concat": \["(\w+)", "([^"]+)", "([^"]+)", (\d+)\]/g,
      ))
        lines.push(`${protocol} ${source} ${destination} ${port}`);
    }
    await node.run(['nft', '-f', '-'], 'flush set inet witness seen4\nflush set inet witness seen6\n');
    return new Set(lines);
  };

  /** The link-local addresses, from which neighbours are asked for, come into use only after a second or two. */
  const warmUp = async (): Promise<void> => {
    const first = FAMILIES.map((family): Probe => [
      'udp',
      formatAddress({ family, value: HOME_FIRST[family] }),
      TO[family][0] ?? '',
      9,
    ]);
    for (let tries = 0; tries < 50; tries++) {
      await send(first);
      if ((await seen()).size === first.length) return;
      await sleep(100);
    }
    assert.fail('no packet comes through without a guard');
  };

  test('of packets sent at the edges of random accesses exactly the allowed ones come through, after each change', async (t) => {
    await warmUp();
    let current: Table | null = null;
    const counts = { allowed: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(anyAccess, async (access) => {
        const { stage, switch: switched, sweep } = planChange(current, compileTable(access, current));
        for (const transaction of [...stage, ...switched, ...sweep])
          await node.run(['nft', '-f', '-'], printTransaction(transaction));
        current = await list('portcullis');
        const probes = FAMILIES.flatMap((family) =>
          sourcesOf(access, family).flatMap((source) =>
            TO[family].flatMap((destination) =>
              PORTS.flatMap((port) => PROTOCOLS.map((protocol): Probe => [protocol, source, destination, port])),
            ),
          ),
        );
        await send(probes);
        const came = await seen();
        const expected = new Set(probes.filter((probe) => isAllowed(access, probe)).map(keyOf));
        assert.deepEqual([...came.difference(expected)], [], 'refused, yet came through');
        assert.deepEqual([...expected.difference(came)], [], 'allowed, yet did not come through');
        counts.allowed += expected.size;
        counts.refused += probes.length - expected.size;
      }),
      { numRuns: RUNS, endOnFailure: true, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
    );
    t.diagnostic(`${counts.allowed} packets were allowed, ${counts.refused} refused`);
    const least = RUNS < 12 ? 200 : 1000;
    assert.ok(counts.allowed > least && counts.refused > least, 'both were tried');
  });
});
