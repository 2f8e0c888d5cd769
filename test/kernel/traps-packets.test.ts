import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { labExec } from '../../src/lab/lab.ts';
import type { Place } from '../../src/lab/place.ts';
import { FAMILIES, type Family } from '../../src/net/family.ts';
import { address as readAddress } from '../support/address.ts';
import { watchFlows, type FlowWatch } from '../support/flow-watch.ts';
import { withGuardedLab, type GuardedLab } from '../support/guarded-lab.ts';
import { noKernel } from '../support/namespace.ts';
import { damaged, inFragments, withOptions } from '../support/packet-forms.ts';
import { admin } from '../support/policies.ts';
import { packetBytes } from '../support/raw-packet.ts';

// Packets of every strange kind, by hand: the guard lets through what its clients may send, and nothing of the others.

const SENDER = fileURLToPath(new URL('../support/send-raw.pl', import.meta.url));
const PORT = 30_006;
const NODE: Readonly<Record<Family, string>> = { 4: '192.0.2.10', 6: '2001:db8:0:2::10' };

const CLIENTS: readonly {
  readonly place: Place;
  readonly allowed: boolean;
  readonly address: Readonly<Record<Family, string>>;
}[] = [
  { place: 'outside-a', allowed: true, address: { 4: '198.51.100.2', 6: '2001:db8:0:198::2' } },
  { place: 'outside-b', allowed: false, address: { 4: '198.51.100.9', 6: '2001:db8:0:198::9' } },
];

const POLICY = admin('traps', 1, ['Accept 198.51.100.2/32, 2001:db8:0:198::2/128', 'Deny everyone'], {
  subject: { ports: [`${PORT}/tcp`, `${PORT}/udp`] },
});

const FLAGS = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

/** A kind of packet: what is sent for it. The guard judges one packet of it, unless told otherwise. */
interface Kind {
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  readonly flags?: number;
  readonly sourcePort?: number;
  readonly form?: (packet: Buffer) => readonly Buffer[];
  /** No whole packet comes of it. */
  readonly nothing?: true;
}

const tcp = (name: string, flags: number, more: Partial<Kind> = {}): Kind => ({
  name,
  protocol: 'tcp',
  flags,
  ...more,
});
const udp = (name: string, more: Partial<Kind> = {}): Kind => ({ name, protocol: 'udp', ...more });

const KINDS: readonly Kind[] = [
  udp('a datagram'),
  udp('a datagram in two fragments', { form: inFragments }),
  udp('a datagram in two fragments, the last first', { form: (packet) => inFragments(packet).toReversed() }),
  udp('the first fragment of a datagram alone', { form: (packet) => inFragments(packet).slice(0, 1), nothing: true }),
  udp('the last fragment of a datagram alone', { form: (packet) => inFragments(packet).slice(1), nothing: true }),
  udp('a datagram with options', { form: (packet) => [withOptions(packet)] }),
  udp('a damaged datagram', { form: (packet) => [damaged(packet)] }),
  udp('a datagram from a port that is a failsafe', { sourcePort: 68 }),
  tcp('a SYN', FLAGS.syn),
  tcp('a SYN in two fragments, the TCP header cut in between', FLAGS.syn, { form: inFragments }),
  tcp('a SYN with options', FLAGS.syn, { form: (packet) => [withOptions(packet)] }),
  tcp('a damaged SYN', FLAGS.syn, { form: (packet) => [damaged(packet)] }),
  tcp('a SYN from a port that is a failsafe', FLAGS.syn, { sourcePort: 22 }),
  tcp('an ACK of no connection, in the middle of a stream', FLAGS.ack),
  tcp('data of no connection', FLAGS.ack | FLAGS.psh),
  tcp('a SYN and ACK of no connection', FLAGS.syn | FLAGS.ack),
  tcp('a FIN of no connection', FLAGS.fin | FLAGS.ack),
  tcp('a FIN alone', FLAGS.fin),
  tcp('a RST of no connection', FLAGS.rst),
  tcp('no flags', 0),
  tcp('FIN, PSH and URG', FLAGS.fin | FLAGS.psh | FLAGS.urg),
  tcp('a SYN and FIN', FLAGS.syn | FLAGS.fin),
  tcp('a SYN and RST', FLAGS.syn | FLAGS.rst),
];

/** What else there is on the node, as nft text; and kernel settings. */
const SURROUNDINGS: readonly { readonly name: string; readonly nft?: string; readonly settings?: readonly string[] }[] =
  [
    { name: 'usually' },
    {
      name: 'where the tracker takes no connection up in the middle',
      settings: ['net.netfilter.nf_conntrack_tcp_loose=0'],
    },
    { name: 'where the tracker is liberal', settings: ['net.netfilter.nf_conntrack_tcp_be_liberal=1'] },
    {
      name: 'where nothing is tracked',
      nft: 'table inet other { chain c { type filter hook prerouting priority raw; notrack; }; chain d { type filter hook output priority raw; notrack; }; }',
    },
    {
      name: 'where connections are tracked in a zone of their own',
      nft: 'table inet other { chain c { type filter hook prerouting priority raw; ct zone set 7; }; chain d { type filter hook output priority raw; ct zone set 7; }; }',
    },
    {
      name: 'where somebody else accepts everything first',
      nft: 'table inet other { chain c { type filter hook prerouting priority mangle; accept; }; }',
    },
  ];

const PROTOCOL = { tcp: 6, udp: 17 } as const;

interface Sent {
  readonly what: string;
  /** As the watch writes it. */
  readonly key: string;
  readonly place: Place;
  readonly lines: readonly string[];
  readonly comes: boolean;
}

/** Source ports tell the packets of one look apart. */
const packetsOf = (kinds: readonly Kind[], firstPort: number): readonly Sent[] =>
  kinds.flatMap(({ name, protocol, flags = 0, sourcePort: own, form = (packet) => [packet], nothing }, index) =>
    FAMILIES.flatMap((family) =>
      CLIENTS.map(({ place, allowed, address }): Sent => {
        const sourcePort = own ?? firstPort + index;
        const packet = packetBytes({
          source: readAddress(address[family]),
          destination: readAddress(NODE[family]),
          protocol: PROTOCOL[protocol],
          sourcePort,
          destinationPort: PORT,
          tcpFlags: flags,
          id: firstPort + index,
          ttl: 64,
          payload: 64,
        });
        return {
          what: `${name}, IPv${family}, ${allowed ? 'allowed' : 'refused'}`,
          key: `${address[family]} ${protocol} ${sourcePort} ${PORT}`,
          place,
          lines: form(packet).map((bytes) => `${family} ${NODE[family]} ${bytes.toString('hex')}\n`),
          comes: allowed && nothing !== true,
        };
      }),
    ),
  );

const send = async ({ name }: GuardedLab, packets: readonly Sent[]): Promise<void> => {
  // The refused ones first: when all allowed packets are through, theirs would be, too.
  for (const { place } of CLIENTS.toReversed()) {
    const lines = packets.filter((packet) => packet.place === place).flatMap((packet) => packet.lines);
    const { status, stderr } = await labExec(name, place, ['perl', SENDER], [...lines, 'sync sent\n'].join(''));
    assert.equal(status, 0, stderr);
  }
};

/** Sends, and tells which came through against what the policy says. */
const wrongly = async (lab: GuardedLab, watch: FlowWatch, packets: readonly Sent[]): Promise<readonly string[]> => {
  await watch.forget();
  await send(lab, packets);
  let came: ReadonlyMap<string, number> = new Map();
  // What has been sent is under way: a busy machine may take a moment.
  for (let tries = 0; tries < 40; tries++) {
    await sleep(tries === 0 ? 50 : 250);
    came = await watch.seen();
    if (packets.every(({ key, comes }) => !comes || came.has(key))) break;
  }
  return packets.flatMap(({ what, key, comes }) =>
    came.has(key) === comes ? [] : [`${what}: ${came.has(key) ? 'came through' : 'did not come through'}`],
  );
};

describe('packets of strange kinds', { skip: noKernel }, () => {
  test('are judged like all others, whatever the tracker makes of them', async (t) => {
    await withGuardedLab('traps-packets', 'nftables', async (lab) => {
      const watch = await watchFlows(lab.name, 'node-1', 'behind the guard');
      const open = packetsOf(KINDS, 20_000).map((packet, _, all) => ({
        ...packet,
        comes: all.some(({ what, comes }) => comes && what === packet.what.replace(/refused$/, 'allowed')),
      }));
      assert.deepEqual(await wrongly(lab, watch, open), [], 'without a guard');
      await lab.apply(POLICY);
      let firstPort = 21_000;
      for (const { name, nft, settings = [] } of SURROUNDINGS)
        await t.test(name, async () => {
          if (nft !== undefined) await lab.onNode(['nft', '-f', '-'], nft);
          const before = await Promise.all(settings.map((it) => lab.onNode(['sysctl', it.split('=')[0] ?? ''])));
          for (const setting of settings) await lab.onNode(['sysctl', '-qw', setting]);
          firstPort += 100;
          assert.deepEqual(await wrongly(lab, watch, packetsOf(KINDS, firstPort)), []);
          if (nft !== undefined) await lab.onNode(['nft', 'delete', 'table', 'inet', 'other']);
          for (const line of before) await lab.onNode(['sysctl', '-qw', line.trim().replaceAll(' ', '')]);
          // What was tracked so far would be known in the next surroundings.
          await lab.onNode(['conntrack', '-F']);
        });
    });
  });
});
