import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { formatAddress } from '../../src/net/address.ts';
import { mustRun } from './namespace.ts';
import { packetBytes, type RawPacket } from './raw-packet.ts';
import { openTraceListener, SENTINEL_PORT, TRACER, type Told } from './trace-listener.ts';
import { traceNetwork } from './trace-network.ts';

/** Where a packet of a trace lab is sent from. */
export type Sender = 'outside' | 'pod' | 'node';

export interface SentPacket {
  readonly from: Sender;
  readonly packet: RawPacket;
}

/**
 * A node in a namespace of its own, with a machine outside and one that stands for its pods; what it does with packets
 * is traced.
 */
export interface TraceLab {
  readonly run: (argv: readonly string[], stdin?: string) => Promise<string>;
  /**
   * Sends packets one after another and gives what the kernel told about each; null where that was lost. Their `id`
   * must differ.
   */
  readonly send: (packets: readonly SentPacket[]) => Promise<readonly (Told | null)[]>;
  readonly close: () => Promise<void>;
}

interface Talker {
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
}

const talker = (argv: readonly [string, ...string[]]): Talker => {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no output');
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
};

const PROGRAM = new URL('send-raw.pl', import.meta.url).pathname;

/**
 * The last packet of a batch goes to the discard port: once it is heard of, all before it have been told. Numbers from
 * here on are its own.
 */
const FIRST_SENTINEL = 60_000;

/** What is said of so many packets fits in the buffers of the sockets that hear it. */
const AT_ONCE = 20;

const sentinel = (id: number): RawPacket => ({
  source: { family: 4, value: 0xc000_0232n },
  destination: { family: 4, value: 0xc000_020an },
  protocol: 17,
  sourcePort: SENTINEL_PORT,
  destinationPort: SENTINEL_PORT,
  tcpFlags: 0,
  id,
  ttl: 64,
  payload: 0,
});

const lineOf = (packet: RawPacket): string =>
  `${packet.destination.family} ${formatAddress(packet.destination)} ${packetBytes(packet).toString('hex')}`;

/** Sets a trace lab up; its namespaces begin with `name`. */
export const traceLab = async (name: string): Promise<TraceLab> => {
  const network = await traceNetwork(name);
  const { node, outside, pods } = network;
  const inNode = ['ip', 'netns', 'exec', node] as const;
  await mustRun([...inNode, 'nft', '-f', '-'], TRACER);
  const senders: Record<Sender, Talker> = {
    node: talker([...inNode, 'perl', PROGRAM]),
    outside: talker(['ip', 'netns', 'exec', outside, 'perl', PROGRAM]),
    pod: talker(['ip', 'netns', 'exec', pods, 'perl', PROGRAM]),
  };
  const ears = await openTraceListener(inNode);

  const say = async (from: Sender, lines: readonly string[]): Promise<void> => {
    const { child, lines: answers } = senders[from];
    child.stdin?.write(`${lines.join('\n')}\nsync done\n`);
    await answers.next();
  };
  let sentinels = 0;
  /** Sends a last packet and waits until all ears have heard of it; null: they did not within the time. */
  const settled = async (milliseconds: number) => {
    sentinels = (sentinels % 5_000) + 1;
    const id = FIRST_SENTINEL + sentinels;
    const heard = ears.upTo(id, milliseconds);
    await say('outside', [lineOf(sentinel(id))]);
    return heard;
  };
  // They take a moment to listen: only then packets are sent.
  for (let tries = 0; (await settled(200)) === null; tries++)
    if (tries > 300) throw new Error('nothing is heard of the kernel');

  return {
    run: (argv, stdin) => mustRun([...inNode, ...argv], stdin),
    send: async (packets) => {
      const told: (Told | null)[] = [];
      let lost = 0;
      for (let from = 0; from < packets.length; from += AT_ONCE) {
        const some = packets.slice(from, from + AT_ONCE);
        for (const { from: sender, packet } of some) await say(sender, [lineOf(packet)]);
        const byId = await settled(5000);
        // The kernel throws away what it cannot tell in time, sentinels as well: then nobody knows what else was among
        // it.
        if (byId === null && (lost++ > 0 || (await settled(60_000)) === null))
          throw new Error('nothing is heard of the kernel');
        told.push(...some.map(({ packet }) => byId && (byId.get(packet.id) ?? { nft: [], legacy: [] })));
      }
      return told;
    },
    close: async () => {
      for (const { child } of Object.values(senders)) {
        child.kill('SIGKILL');
        await once(child, 'close');
      }
      await ears.close();
      await network.close();
    },
  };
};
