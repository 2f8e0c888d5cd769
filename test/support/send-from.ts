import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

// Runs in a client's namespace in which every address is local (ip route add local …). Reads lines of JSON, each a list
// of [protocol, source, destination, port]; sends one packet for each, a datagram or a SYN; answers with an empty line.

type Probe = readonly [protocol: 'tcp' | 'udp', source: string, destination: string, port: number];

/** A SYN is under way as soon as connect(2) returns; it is not repeated within this time (1 s, RFC 6298). */
const WAIT_MS = 150;
/** Sockets at the same time: far below the usual limit of open files. */
const AT_ONCE = 400;

const bound = (source: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createSocket(source.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', reject);
    socket.bind(0, source, () => resolve(socket));
  });

const sendDatagrams = async (source: string, probes: readonly Probe[]): Promise<void> => {
  const socket = await bound(source);
  socket.on('error', () => undefined);
  await Promise.all(
    probes.map(
      ([, , destination, port]) =>
        new Promise<void>((resolve) => {
          socket.send('x', port, destination, () => resolve());
        }),
    ),
  );
  socket.close();
};

const sendSyns = async (probes: readonly Probe[]): Promise<void> => {
  const sockets = probes.map(([, localAddress, host, port]) =>
    connect({ localAddress, host, port }).on('error', () => undefined),
  );
  await sleep(WAIT_MS);
  for (const socket of sockets) socket.destroy();
};

for await (const line of createInterface(process.stdin)) {
  const probes = JSON.parse(line) as readonly Probe[];
  const bySource = Map.groupBy(
    probes.filter(([protocol]) => protocol === 'udp'),
    ([, source]) => source,
  );
  for (const [source, list] of bySource) await sendDatagrams(source, list);
  const syns = probes.filter(([protocol]) => protocol === 'tcp');
  for (let start = 0; start < syns.length; start += AT_ONCE) await sendSyns(syns.slice(start, start + AT_ONCE));
  console.log('');
}
