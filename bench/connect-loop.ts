import { connect } from 'node:net';
import { createInterface } from 'node:readline';

// Runs in a client's namespace: ADDRESS PORT. Reads milliseconds, one a line; opens connections for that long, a few at
// a time, each ended by a reset once it stands, and answers with their number per second.

const [host = '', port = ''] = process.argv.slice(2);
const AT_ONCE = 16;

const open = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    const end = (connected: boolean) => () => {
      // A reset leaves no TIME_WAIT, of which a client has only as many as ports.
      socket.resetAndDestroy();
      resolve(connected);
    };
    socket.on('connect', end(true)).on('error', end(false)).setTimeout(2000, end(false));
  });

for await (const line of createInterface(process.stdin)) {
  const start = performance.now();
  const end = start + Number(line);
  let [done, failed] = [0, 0];
  const work = async (): Promise<void> => {
    while (performance.now() < end) {
      if (await open()) done++;
      else failed++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  console.log(failed > done / 100 ? 'failed' : String((done * 1000) / (performance.now() - start)));
}
